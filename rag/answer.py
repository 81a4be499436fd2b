"""What a question is answered with: sentences, each with the passages that it rests on.

The same value whether the sentences are the source's own (`rag.extract`) or a model's
(`rag.generate`); every surface serialises this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rag.assistant import Finding, Findings
from rag.retrieve import Reason
from rag.sentences import MIN_CHARACTERS
from rag.types import Span

Mode = Literal["extractive", "llm"]
Trouble = Literal["unavailable", "timeout", "cut_off", "refused", "unusable"]
"""Why a language model's answer is not, or not whole, what is shown: it could not be reached, took too
long, broke off (or did not end), said that there is no answer, or said nothing that its sources hold."""


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence of an answer.

    Attributes:
        text: As shown, without marks.
        citations: Numbers of the evidence that it rests on, from 1, rising; at least one.
        place: Where it stands, word for word, in the source of its first citation; None where a
            model worded it.
        lead: What its line begins with, such as a district's name; empty within a line, and where
            nothing is to be told apart: one case of an extractive answer to a question that does
            not ask for several, or of a model's evidence.
    """

    text: str
    citations: tuple[int, ...]
    place: Span | None
    lead: str = ""

    def to_json(self) -> dict[str, Any]:
        """The sentence as every surface shows it, ready for ``json.dumps``."""
        return {
            "text": self.text,
            "citations": list(self.citations),
            "source": {"start": self.place.start, "end": self.place.end} if self.place else None,
            "lead": self.lead,
        }


@dataclass(frozen=True, slots=True)
class Checking:
    """What became of the sentences that a language model wrote.

    Attributes:
        kept: Shown as written: their sources hold what they say.
        replaced: Shown in the source's own words instead.
        dropped: Not shown: nothing in the sources comes near, or it is shown already.
        trouble: What else was wrong; None if nothing was.
    """

    kept: int = 0
    replaced: int = 0
    dropped: int = 0
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, or the refusal of one.

    Attributes:
        findings: What the question brought up.
        evidence: The passages that citations number, from 1. In a refusal, the nearest ones, which
            nothing cites.
        sentences: In the order they are read; none in a refusal.
        notice: What a refusal says; empty in an answer.
        reason: Why there is no answer; None where there is one.
        mode: Whose words the sentences are.
        checking: Of a model's sentences; None where no model was asked.
    """

    findings: Findings
    evidence: tuple[Finding, ...]
    sentences: tuple[AnswerSentence, ...]
    notice: str
    reason: Reason | None
    mode: Mode
    checking: Checking | None = None

    @property
    def abstained(self) -> bool:
        """Whether the collection was found not to answer."""
        return self.reason is not None

    @property
    def text(self) -> str:
        """The whole in one text: sentences with the numbers of their evidence, or the notice."""
        return "".join(pieces(self.sentences)) or self.notice

    def to_json(self) -> dict[str, Any]:
        """The answer as every surface shows it, ready for ``json.dumps``; what nothing cites is left out."""
        findings = self.findings
        cited = {number for sentence in self.sentences for number in sentence.citations}
        return {
            "query": findings.question,
            "index_version": findings.index_version,
            "mode": self.mode,
            "abstained": self.abstained,
            "confidence": findings.confidence,
            "reason": self.reason,
            "named_districts": list(findings.named),
            "answer": {
                "text": self.text,
                "sentences": [sentence.to_json() for sentence in self.sentences],
            },
            "citations": [
                passage
                for passage in numbered(self.evidence, findings.findings)
                if self.abstained or passage["number"] in cited
            ],
            "nearest": [case.to_json() for case in findings.by_case] if self.abstained else [],
            "checking": None if self.checking is None else asdict(self.checking),
        }


def numbered(evidence: Sequence[Finding], found: Sequence[Finding]) -> list[dict[str, Any]]:
    """Write evidence, ready for ``json.dumps``, with its numbers from 1 and its ranks in the search.

    Args:
        evidence: As an answer numbers it.
        found: What the search found, best first; holds the evidence.
    """
    ranks = {one.hit.passage.passage_id: rank for rank, one in enumerate(found, start=1)}
    return [
        {**one.to_json(ranks[one.hit.passage.passage_id]), "number": number}
        for number, one in enumerate(evidence, start=1)
    ]


def pieces(sentences: Sequence[AnswerSentence]) -> Iterator[str]:
    """Write sentences out, each as it goes on from the one before it.

    Within a line, sentences that do not follow each other in the source are parted by ``……``.

    Returns:
        One piece a sentence; joined, they are the text of the answer.

    >>> first = AnswerSentence("三天到账。", (1,), Span(10, 15), lead="静安区")
    >>> after = AnswerSentence("不用跑腿。", (1, 2), Span(30, 35))
    >>> "".join(pieces([first, after]))
    '静安区：三天到账。[1]……不用跑腿。[1][2]'
    """
    before: AnswerSentence | None = None
    for sentence in sentences:
        yield piece(before, sentence)
        before = sentence


def piece(before: AnswerSentence | None, sentence: AnswerSentence) -> str:
    """Write a sentence as it goes on from the one before it, if any."""
    return f"{joint(before, sentence)}{sentence.text}{marks(sentence.citations)}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A number of evidence in the text of an answer.

    Attributes:
        number: The number.
        span: Where it stands with its brackets, in code points of the text.
    """

    number: int
    span: Span


def marks_of(sentences: Sequence[AnswerSentence]) -> tuple[Mark, ...]:
    """Find the numbers of evidence in the text that `pieces` makes.

    >>> marks_of([AnswerSentence("三天到账。", (1, 12), None)])
    (Mark(number=1, span=Span(start=5, end=8)), Mark(number=12, span=Span(start=8, end=12)))
    """
    found: list[Mark] = []
    end = 0
    for sentence, written in zip(sentences, pieces(sentences), strict=True):
        end += len(written)
        start = end - len(marks(sentence.citations))
        for number in sentence.citations:
            length = len(marks((number,)))
            found.append(Mark(number, Span(start, start + length)))
            start += length
    return tuple(found)


def marks(citations: Sequence[int]) -> str:
    """Write the numbers of evidence as they stand behind a sentence."""
    return "".join(f"[{number}]" for number in citations)


def joint(before: AnswerSentence | None, sentence: AnswerSentence) -> str:
    """Write what stands between a sentence and the one before it: a line's end and lead, or a gap."""
    if sentence.lead:
        return f"{sentence.lead}：" if before is None else f"\n{sentence.lead}："
    if before is None or before.place is None or sentence.place is None:
        return ""
    gap = sentence.place.start - before.place.end
    return "" if 0 <= gap <= _CLOSE and before.citations[0] == sentence.citations[0] else "……"


_CLOSE = MIN_CHARACTERS - 1
"""Code points between sentences that follow each other: none, or the blank ones between paragraphs. A
sentence left out has more."""
