"""The sentences of an answer as it grows: none twice, each led by its case, a model's only after a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from rag.answer import AnswerSentence
from rag.assistant import Finding
from rag.extract import lead_of
from rag.grounding import Grounds, Support
from rag.likelihood import DEFAULT_LIKELIHOOD, candidates
from rag.tokens import normalized
from rag.types import Span
from rag.written import Written


@dataclass(slots=True)
class Shown:
    """What is shown of an answer so far.

    Attributes:
        question: What was asked.
        evidence: Passages, numbered from 1.
        sentences: Those shown, in order.
        kept: How many are a model's own words.
        replaced: How many stand in a source's words for a model's.
        dropped: Sentences of the model that are not shown.
    """

    question: str
    evidence: tuple[Finding, ...]
    sentences: list[AnswerSentence] = field(default_factory=list)
    kept: int = 0
    replaced: int = 0
    dropped: int = 0
    _grounds: Grounds = field(init=False)
    _likely: frozenset[tuple[str, Span]] = field(init=False)
    _texts: set[str] = field(default_factory=set)
    _places: list[tuple[str, Span]] = field(default_factory=list)
    _several: bool = False
    _case: str = ""

    def __post_init__(self) -> None:
        """Look at the evidence as a whole: what it takes to tell cases apart, and to check."""
        self._several = len({one.citation.case_id for one in self.evidence}) > 1
        self._grounds = Grounds(self.evidence)
        self._likely = frozenset(
            (one.finding.hit.passage.passage_id, one.place)
            for one in candidates(self.question, self.evidence)
            if DEFAULT_LIKELIHOOD.of(one.signals) >= DEFAULT_LIKELIHOOD.threshold
        )

    def judge(self, written: Written) -> AnswerSentence | None:
        """Check a model's sentence; None if nothing of it is shown."""
        verdict = self._grounds.check(written)
        support = verdict.support
        if support is None or self._repeats(verdict.text, support):
            self.dropped += 1
            return None
        passage = self.evidence[support.number - 1].hit.passage.passage_id
        # A model that cites nothing may be reading its evidence out, from the beginning.
        if not written.citations and (passage, support.place) not in self._likely:
            self.dropped += 1
            return None
        if verdict.fault is None:
            self.kept += 1
        else:
            self.replaced += 1
        at = support.text.find(verdict.text)
        start = support.place.start + at
        place = Span(start, start + len(verdict.text)) if at >= 0 else None
        return self._show(verdict.text, verdict.citations, place, support)

    def add(
        self, sentence: AnswerSentence, evidence: Sequence[Finding], *, alone: bool
    ) -> AnswerSentence | None:
        """Show an extractive sentence, renumbered, unless it is shown already beside a model's.

        Args:
            sentence: Of an extractive answer.
            evidence: That answer's.
            alone: Whether only such sentences are shown; then they are led as they were.
        """
        passage = evidence[sentence.citations[0] - 1].hit.passage.passage_id
        ids = [one.hit.passage.passage_id for one in self.evidence]
        if sentence.place is None or passage not in ids:
            message = "an extractive sentence stands in a passage of the evidence"
            raise ValueError(message)
        number = ids.index(passage) + 1
        support = Support(number, sentence.place, sentence.text)
        if not alone and self._repeats(sentence.text, support):
            return None
        added = self._show(sentence.text, (number,), sentence.place, support)
        if alone:
            added = replace(added, lead=sentence.lead)
            self.sentences[-1] = added
        return added

    def _repeats(self, text: str, support: Support) -> bool:
        """Whether a text, or the sentence of the source that it rests on, is shown already."""
        file = self.evidence[support.number - 1].citation.file
        return normalized(text) in self._texts or any(
            file == other and support.place.start < place.end and place.start < support.place.end
            for other, place in self._places
        )

    def _show(
        self, text: str, citations: tuple[int, ...], place: Span | None, support: Support
    ) -> AnswerSentence:
        finding = self.evidence[support.number - 1]
        self._texts.add(normalized(text))
        self._places.append((finding.citation.file, support.place))
        sentence = AnswerSentence(text, citations, place)
        if self._several and finding.citation.case_id != self._case:
            sentence = replace(sentence, lead=lead_of(finding))
        self._case = finding.citation.case_id
        self.sentences.append(sentence)
        return sentence
