"""`Findings` -> an `Answer` in the source's own words, without a language model.

Every sentence of the passages found is judged by four things that are known of it; the likeliest
are shown in reading order, each with its citation. Nothing is reworded, so nothing can be wrong
that the source does not say itself. See docs/decisions/0020-extractive-answers.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer import Answer, AnswerSentence
from rag.assistant import Finding, Findings
from rag.filters import NO_FILTERS, Filters
from rag.likelihood import DEFAULT_LIKELIHOOD, Candidate, Likelihood, candidates
from rag.refusal import notice_of
from rag.retrieve import Reason
from rag.spread import asks_for_several
from rag.tokens import normalized

CONSIDERED = 10
"""Passages that a question over several cases is answered from, at least: on the development
questions the first ten hold all the evidence of such a question, the first five lack some of 4 in 24."""
_MOST = 4
"""Sentences of an answer that is not told case by case."""
_EACH = 2
"""Sentences of each line where it is: one each held .67 of the evidence of 哪些-questions, two .90."""
_LINES = 5
_NEAR = 0.15
"""A case whose best passage scores this much less than the first one is not among the several."""


def considered(findings: Findings, limit: int) -> int:
    """How many passages an answer should be looked for in, at least ``limit``."""
    several = asks_for_several(findings.question, findings.named)
    return max(limit, CONSIDERED) if several else limit


def extract(
    findings: Findings,
    filters: Filters = NO_FILTERS,
    likelihood: Likelihood = DEFAULT_LIKELIHOOD,
) -> Answer:
    """Answer with sentences of the passages found.

    A question that names districts is answered from their cases only; where none is among the
    passages, from cases whose district is unknown.

    Args:
        findings: What the question brought up.
        filters: What the search was limited to, for the words of a refusal.
        likelihood: Of a sentence to answer.

    Returns:
        Sentences in the order of the source within each case, cases by what is asked: in the order
        in which a question names their districts, else by their likeliest sentence. A sentence that
        two cases share is shown once. A refusal where the findings are one, or none of them is of
        the districts named.
    """
    if findings.reason is not None:
        return _refusal(findings, findings.reason, filters)
    own = own_findings(findings)
    if not own:
        return _refusal(findings, "not_in_district", filters)
    several = asks_for_several(findings.question, findings.named)
    if several:
        lines = _case_by_case(findings, own, likelihood)
    else:
        ranked = _ranked(findings.question, own, likelihood)
        lines = _by_case(_best(ranked, _MOST, likelihood.threshold))
    sentences, evidence = _numbered(lines, led=several or len(lines) > 1)
    return Answer(findings, evidence, sentences, "", None, "extractive")


def own_findings(findings: Findings) -> tuple[Finding, ...]:
    """Keep what is of the districts that the question names, if it names any.

    Returns:
        In their order; where none is of those districts, the ones whose district is unknown.
    """
    if not findings.named:
        return findings.findings
    of_them = tuple(
        finding
        for finding in findings.findings
        if not set(findings.named).isdisjoint(finding.citation.districts)
    )
    return of_them or tuple(one for one in findings.findings if not one.citation.districts)


def _ranked(
    question: str, found: Sequence[Finding], likelihood: Likelihood
) -> list[tuple[float, Candidate]]:
    """Judge every sentence of some passages, likeliest first; equals in the order given.

    The rule of a table (``| --- |``) says nothing: it counts only where there is nothing else.
    """
    listed = candidates(question, found)
    worded = [one for one in listed if any(map(str.isalnum, one.text))]
    judged = [(likelihood.of(one.signals), one) for one in worded or listed]
    return sorted(judged, key=lambda one: -one[0])


def _best(
    judged: Sequence[tuple[float, Candidate]], most: int, threshold: float
) -> list[Candidate]:
    """Keep the likeliest that are likely enough, one at least, and each text once."""
    chosen: dict[str, Candidate] = {}
    for chance, one in judged:
        if len(chosen) == most or (chosen and chance < threshold):
            break
        chosen.setdefault(normalized(one.text), one)
    return list(chosen.values())


def _case_by_case(
    findings: Findings, own: Sequence[Finding], likelihood: Likelihood
) -> list[list[Candidate]]:
    """Give each case that a question asks for a line of its own."""
    several = _named(findings, own) if findings.named else _near(own)
    room = max(_LINES, len(findings.named))
    return [
        _best(_ranked(findings.question, group, likelihood), _EACH, likelihood.threshold)
        for group in several[:room]
    ]


def _named(findings: Findings, own: Sequence[Finding]) -> list[list[Finding]]:
    """Take the best case of each district that is named, in the question's order."""
    by_case: dict[str, list[Finding]] = {}
    for name in findings.named:
        of_it = [finding for finding in own if name in finding.citation.districts]
        if of_it:
            case = of_it[0].citation.case_id
            by_case.setdefault(case, [one for one in of_it if one.citation.case_id == case])
    return list(by_case.values()) or _near(own)


def _near(own: Sequence[Finding]) -> list[list[Finding]]:
    """Take the cases whose best passage scores about as much as the first."""
    least = own[0].hit.score - _NEAR
    by_case: dict[str, list[Finding]] = {}
    for finding in own:
        if finding.hit.score >= least or finding.citation.case_id in by_case:
            by_case.setdefault(finding.citation.case_id, []).append(finding)
    return list(by_case.values())


def _by_case(chosen: Sequence[Candidate]) -> list[list[Candidate]]:
    lines: dict[str, list[Candidate]] = {}
    for one in chosen:
        lines.setdefault(one.finding.citation.case_id, []).append(one)
    return list(lines.values())


def _numbered(
    lines: Sequence[Sequence[Candidate]], *, led: bool
) -> tuple[tuple[AnswerSentence, ...], tuple[Finding, ...]]:
    """Put each line into the order of the source, and number its passages as they come up."""
    numbers: dict[str, int] = {}
    evidence: list[Finding] = []
    sentences: list[AnswerSentence] = []
    for line in lines:
        lead = lead_of(line[0].finding) if led else ""
        for one in sorted(line, key=lambda one: one.place):
            passage = one.finding.hit.passage.passage_id
            if passage not in numbers:
                evidence.append(one.finding)
                numbers[passage] = len(evidence)
            sentences.append(AnswerSentence(one.text, (numbers[passage],), one.place, lead))
            lead = ""
    return tuple(sentences), tuple(evidence)


def lead_of(finding: Finding) -> str:
    """Name the case of a line: its districts, or its title where they are unknown."""
    citation = finding.citation
    return "、".join(citation.districts) or f"《{citation.title}》"


def _refusal(findings: Findings, reason: Reason, filters: Filters) -> Answer:
    notice = notice_of(reason, findings.named, findings.findings, filters)
    return Answer(findings, findings.findings, (), notice, reason, "extractive")
