"""An answer against its reference: what of it can be checked without reading it.

Precision and recall of citations follow ALCE (Gao et al., EMNLP 2023, arXiv 2305.14627), with one
difference: there a model judges whether a passage supports a statement, here it is whether the
passage holds one of the question's quotes. Quotes are complete for nobody, so precision is a lower
bound: a passage that supports the answer without being quoted counts against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from eval.evidence import Evidence, Holders
from eval.questions import squeeze
from eval.reference import Need, Reference
from rag.answer import Answer, AnswerSentence
from rag.assistant import Finding
from rag.named_districts import elsewhere
from rag.retrieve import Reason
from rag.types import Span


class Supports(Protocol):
    """Judges a sentence that a language model worded."""

    def __call__(self, sentence: AnswerSentence, cited: Sequence[Finding], /) -> bool:
        """Tell whether the passages that a sentence cites, one at least, hold what it says."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """One answer, counted. What does not apply to a question is None, never 0.

    Attributes:
        question_id: The question.
        need: What it takes to answer; None where nothing answers.
        reason: Why it was refused; None where it was answered.
        sentences: Sentences shown; 0 in a refusal.
        characters: Of them, without leads and numbers of citations.
        supported: Sentences that stand word for word at their place within the passage they cite,
            or that a checker passed.
        citations: Passages cited, each once.
        holding: Those that hold a quote, or with others that are there to be cited hold one.
        touching: Sentences that share a character with a quote; None where one was worded anew.
        cited: Share of the quotes whose passages are cited, in [0, 1]; where any quote answers, 1 if
            one of them is. 0 for a refusal.
        contained: The same of quotes that stand whole in the sentences shown.
        facts: Share of the reference answer's facts shown, see `eval.facts`; 0 for a refusal.
        elsewhere: Citations of other districts than the question names; None where it names none.
        beside: Citations of other districts than the evidence's; None where those are not known.
    """

    question_id: str
    need: Need | None
    reason: Reason | None
    sentences: int
    characters: int
    supported: int
    citations: int
    holding: int
    touching: int | None
    cited: float | None
    contained: float | None
    facts: float | None
    elsewhere: int | None
    beside: int | None

    @property
    def answerable(self) -> bool:
        """Whether something answers the question."""
        return self.need is not None

    @property
    def refused(self) -> bool:
        """Whether the answer was refused."""
        return self.reason is not None


def score(
    answer: Answer,
    reference: Reference,
    texts: Mapping[str, str],
    supports: Supports | None = None,
) -> AnswerScores:
    """Count what is right about an answer.

    Args:
        answer: To the question of the reference.
        reference: What it is held against.
        texts: The sources as read, by name.
        supports: Judges sentences that have no place in a source.

    Raises:
        ValueError: If a sentence has no place and there is nobody to judge it, or it cites nothing.
    """
    numbers = sorted({number for one in answer.sentences for number in one.citations})
    cited = [answer.evidence[number - 1] for number in numbers]
    ids = {one.hit.passage.passage_id for one in cited}
    ways = [way for held in reference.holders for way in held.ways]
    shown = "".join(f"{one.lead}\n{one.text}\n" for one in answer.sentences)
    of_them = [one.citation.districts for one in cited]
    own = {name for districts in of_them for name in districts}
    return AnswerScores(
        question_id=reference.question.question_id,
        need=reference.need,
        reason=answer.reason,
        sentences=len(answer.sentences),
        characters=sum(len(one.text) for one in answer.sentences),
        supported=sum(_supported(one, answer, texts, supports) for one in answer.sentences),
        citations=len(cited),
        holding=len(ids & {unit for way in ways for unit in way}),
        touching=_touching(answer, reference.evidence),
        cited=reference.share_of(_all_cited(held, ids) for held in reference.holders),
        contained=reference.share_of(
            contains(answer, piece, texts) for piece in reference.evidence
        ),
        facts=reference.facts.share_in(shown, own),
        elsewhere=_elsewhere(reference.named, answer.findings.named, of_them),
        beside=(
            sum(elsewhere(reference.districts, one) for one in of_them)
            if reference.districts
            else None
        ),
    )


def contains(answer: Answer, piece: Evidence, texts: Mapping[str, str]) -> bool:
    """Whether a quote stands whole in the sentences shown; white space counts nowhere.

    Sentences with a place are read in the source, so a quote may run over several of them; a
    sentence without one has to hold it alone.
    """
    places = list(_places(answer))
    for at in piece.occurrences:
        kept = bytearray(len(at.span))
        for file, place in places:
            if file == at.source:
                start, end = (
                    min(max(edge - at.span.start, 0), len(kept))
                    for edge in (place.start, place.end)
                )
                kept[start:end] = b"\x01" * (end - start)
        text = at.span.of(texts[at.source])
        if all(mark or character.isspace() for mark, character in zip(kept, text, strict=True)):
            return True
    quote = squeeze(piece.quote)
    return any(quote in squeeze(one.text) for one in answer.sentences if one.place is None)


def _places(answer: Answer) -> Iterator[tuple[str, Span]]:
    for one in answer.sentences:
        if one.place is not None:
            yield answer.evidence[one.citations[0] - 1].citation.file, one.place


def _supported(
    sentence: AnswerSentence,
    answer: Answer,
    texts: Mapping[str, str],
    supports: Supports | None,
) -> bool:
    if not sentence.citations:
        message = f"a sentence without a citation: {sentence.text!r}"
        raise ValueError(message)
    cited = [answer.evidence[number - 1] for number in sentence.citations]
    if sentence.place is None:
        if supports is None:
            message = f"a sentence without a place needs a checker: {sentence.text!r}"
            raise ValueError(message)
        return supports(sentence, cited)
    citation, place = cited[0].citation, sentence.place
    inside = citation.start <= place.start and place.end <= citation.end
    return inside and place.of(texts[citation.file]) == sentence.text


def _touching(answer: Answer, evidence: Sequence[Evidence]) -> int | None:
    if any(one.place is None for one in answer.sentences):
        return None
    quoted = [(at.source, at.span) for piece in evidence for at in piece.occurrences]
    return sum(
        any(
            file == source and place.start < span.end and span.start < place.end
            for source, span in quoted
        )
        for file, place in _places(answer)
    )


def _all_cited(held: Holders, ids: set[str]) -> bool:
    return any(ids.issuperset(way) for way in held.ways)


def _elsewhere(
    named: Sequence[str], read: Sequence[str], cited: Sequence[Sequence[str]]
) -> int | None:
    """Count citations that are elsewhere by our reading of the question, or by the answerer's."""
    if not named and not read:
        return None
    return sum(elsewhere(named, one) or elsewhere(read, one) for one in cited)
