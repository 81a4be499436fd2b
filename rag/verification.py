"""Text and citation -> which of its quotations stand in the cases, and where.

Nothing is searched by meaning and no model is asked: only the cases are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

from rag.cite import Citation, cite_span
from rag.errors import NothingToVerifyError, StaleCitationError, UnknownCaseError
from rag.folding import Fold
from rag.haystack import Haystack, Piece
from rag.quote import Difference, Match, Verdict, find_quote
from rag.quoted_runs import Run, quoted_runs, sentence_runs
from rag.types import Case, Span

Scope = Literal["auto", "quotes", "sentences"]
"""What of a text is verified: its quotations, all its sentences, or what it seems to ask for."""

MAX_PLACES = 10
"""Places told of one quotation; a phrase such as “一网通办” stands in every other case."""

_ORDER: tuple[Verdict, ...] = ("absent", "fuzzy", "exact")


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """Where a text says that its quotations come from.

    Attributes:
        case_id: The case.
        span: The passage, in code points of the source; None for the whole case.
        sha256: Digest of the source file that was cited; None if it is not known.
    """

    case_id: str
    span: Span | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class QuotedPlace:
    """A place where a quotation stands.

    Attributes:
        citation: The place, from the first character to the last.
        text: What stands there.
        spans: The place of each part of a quotation that leaves words out; one if it leaves out none.
        similarity: In [0, 1]; 1 if exact.
        folds: What was folded to make both equal; none if they are equal, or if it is fuzzy.
        differences: What differs, in order; none if exact.
        numbers_differ: Whether both state other figures.
    """

    citation: Citation
    text: str
    spans: tuple[Span, ...]
    similarity: float
    folds: tuple[Fold, ...]
    differences: tuple[Difference, ...]
    numbers_differ: bool

    def to_json(self) -> dict[str, Any]:
        """The place as every surface shows it."""
        return {
            "text": self.text,
            "spans": [[span.start, span.end] for span in self.spans],
            "similarity": self.similarity,
            "folds": list(self.folds),
            "differences": [asdict(difference) for difference in self.differences],
            "numbers_differ": self.numbers_differ,
            "citation": self.citation.to_json(),
        }


@dataclass(frozen=True, slots=True)
class VerifiedQuote:
    """A quotation and what became of it.

    Attributes:
        text: As it stands in the text, without the marks around it.
        span: Its place there.
        verdict: ``exact``, ``fuzzy`` or ``absent``; where a place was cited, there.
        places: Where it stands, best first, at most `MAX_PLACES`; of a fuzzy one the nearest.
        found: How many exact places there are, or 1 if it is fuzzy, or 0.
        elsewhere: Where it stands instead of the place cited: exact places, or the nearest fuzzy one
            if it is absent there. None without a citation.
    """

    text: str
    span: Span
    verdict: Verdict
    places: tuple[QuotedPlace, ...]
    found: int
    elsewhere: tuple[QuotedPlace, ...]

    @property
    def folded(self) -> bool:
        """Whether it is exact only after folding."""
        return bool(self.places and self.places[0].folds)

    @property
    def numbers_differ(self) -> bool:
        """Whether its nearest place states other figures: the words agree, the facts do not."""
        return any(place.numbers_differ for place in (*self.places, *self.elsewhere)[:1])

    def to_json(self) -> dict[str, Any]:
        """The quotation as every surface shows it."""
        return {
            "text": self.text,
            "start": self.span.start,
            "end": self.span.end,
            "verdict": self.verdict,
            "folded": self.folded,
            "numbers_differ": self.numbers_differ,
            "found": self.found,
            "places": [place.to_json() for place in self.places],
            "elsewhere": [place.to_json() for place in self.elsewhere],
        }


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of some words, wherever in a text they are quoted; see `VerifiedQuote`."""

    verdict: Verdict
    places: tuple[QuotedPlace, ...]
    count: int
    elsewhere: tuple[QuotedPlace, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a text.

    Attributes:
        scope: What was verified of it: its quotations or all its sentences.
        quotes: In reading order; never empty.
    """

    scope: Literal["quotes", "sentences"]
    quotes: tuple[VerifiedQuote, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return min((quote.verdict for quote in self.quotes), key=_ORDER.index)

    def to_json(self) -> dict[str, Any]:
        """The verification as every surface shows it, ready for ``json.dumps``."""
        return {
            "verdict": self.verdict,
            "scope": self.scope,
            "quotes": [quote.to_json() for quote in self.quotes],
        }


class Verifier:
    """Verifies texts against cases that are folded once.

    Safe to use from several threads at once.

    Args:
        cases: All cases, duplicates included. Where none is cited, a quotation is looked for in the
            originals only.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self._by_id = {case.case_id: case for case in cases}
        self._originals = [case for case in cases if case.duplicate_of is None]
        self._haystack = Haystack([Piece(it.source.text, it.span) for it in self._originals])

    def verify(
        self, text: str, cited: CitedPlace | None = None, *, scope: Scope = "auto"
    ) -> Verification:
        """Say of each quotation of a text whether it stands in the cases.

        Args:
            text: What somebody wrote.
            cited: Where it says that its quotations come from; None for anywhere.
            scope: ``quotes`` verifies what stands in quotation marks, ``sentences`` all of it. ``auto``
                verifies all of it if there are no marks, or if every sentence stands in the cases as it
                is, marks included; else what is in the marks.

        Raises:
            NothingToVerifyError: If there is no letter or digit in what was to be verified.
            UnknownCaseError: If there is no case of the id cited.
            StaleCitationError: If the file cited has another digest, or the passage lies outside of
                the case.
        """
        case = None if cited is None else self._cited_case(cited)
        if case is None or cited is None:
            cases, haystack = self._originals, self._haystack
        else:
            cases, haystack = [case], Haystack([Piece(case.source.text, cited.span or case.span)])
        return self._verified(text, cases, haystack, scope)

    def _verified(
        self, text: str, cases: Sequence[Case], haystack: Haystack, scope: Scope
    ) -> Verification:
        # A text may say the same a thousand times over; each quotation is looked for once.
        @cache
        def fate(parts: tuple[str, ...]) -> _Fate:
            return self._fate(parts, cases, haystack)

        def verified(runs: Sequence[Run]) -> tuple[VerifiedQuote, ...]:
            return tuple(
                VerifiedQuote(
                    text=run.text,
                    span=run.span,
                    verdict=found.verdict,
                    places=found.places,
                    found=found.count,
                    elsewhere=found.elsewhere,
                )
                for run in runs
                for found in [fate(run.parts)]
            )

        marked = quoted_runs(text)
        whole = sentence_runs(text)
        if not (marked if scope == "quotes" else whole):
            message = (
                "没有带引号的文字可以核对；请加上引号，或改为逐句核对"
                if whole
                else "没有可以核对的文字；请写上要核对的引文"
            )
            raise NothingToVerifyError(message)
        if scope == "sentences" or not marked:
            return Verification("sentences", verified(whole))
        if scope == "auto" and all(_stands(run, haystack) for run in whole):
            return Verification("sentences", verified(whole))
        return Verification("quotes", verified(marked))

    def _fate(self, parts: tuple[str, ...], cases: Sequence[Case], haystack: Haystack) -> _Fate:
        here = find_quote(parts, haystack)
        verdict: Verdict = here[0].verdict if here else "absent"
        elsewhere: tuple[Match, ...] = ()
        if verdict != "exact" and haystack is not self._haystack:
            others = find_quote(parts, self._haystack)
            elsewhere = tuple(it for it in others if not here or it.verdict == "exact")
        return _Fate(
            verdict=verdict,
            places=tuple(_place(cases[it.piece], it) for it in here[:MAX_PLACES]),
            count=len(here),
            elsewhere=tuple(_place(self._originals[it.piece], it) for it in elsewhere[:MAX_PLACES]),
        )

    def _cited_case(self, cited: CitedPlace) -> Case:
        case = self._by_id.get(cited.case_id)
        if case is None:
            message = f"没有编号为 {cited.case_id} 的案例；请核对编号，或不指定案例再核对一次"
            raise UnknownCaseError(message)
        if cited.sha256 is not None and cited.sha256.lower() != case.source.sha256:
            message = (
                f"所引的文件已不是现在的 {case.source.name}：引用时的 SHA-256 是 {cited.sha256}，"
                f"现在是 {case.source.sha256}；请按现在的原文重新引用"
            )
            raise StaleCitationError(message)
        span = cited.span
        if span and not case.span.start <= span.start < span.end <= case.span.end:
            message = (
                f"所引的位置 {span.start}-{span.end} 不在案例 {case.case_id} 之内"
                f"（{case.span.start}-{case.span.end}）；请按现在的原文重新引用"
            )
            raise StaleCitationError(message)
        return case


def verify_text(
    cases: Sequence[Case], text: str, cited: CitedPlace | None = None, *, scope: Scope = "auto"
) -> Verification:
    """Verify one text; whoever verifies many keeps a `Verifier`. Arguments and errors are its own."""
    return Verifier(cases).verify(text, cited, scope=scope)


def _stands(run: Run, haystack: Haystack) -> bool:
    found = find_quote(run.parts, haystack)
    return bool(found) and found[0].verdict == "exact"


def _place(case: Case, match: Match) -> QuotedPlace:
    whole = Span(match.spans[0].start, match.spans[-1].end)
    return QuotedPlace(
        citation=cite_span(case, whole),
        text=whole.of(case.source.text),
        spans=match.spans,
        similarity=match.similarity,
        folds=match.folds,
        differences=match.differences,
        numbers_differ=match.numbers_differ,
    )
