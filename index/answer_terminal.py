"""An `Answer` at a terminal: for a person to read, and as JSON for a program."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rag.answer import Answer, AnswerSentence, Checking

_TROUBLES = {
    "unavailable": "语言模型连接不上",
    "timeout": "语言模型没有及时作答",
    "cut_off": "语言模型作答中断",
    "refused": "语言模型自称无法回答",
    "unusable": "语言模型所写没有依据",
}


def print_answer(answer: Answer) -> None:
    """Print an answer for a person to read: its text, then where each number stands."""
    console = Console(highlight=False)
    console.print(Text(answer.text), soft_wrap=True)
    cited = {number for sentence in answer.sentences for number in sentence.citations}
    console.print()
    for number, finding in enumerate(answer.evidence, start=1):
        if not answer.abstained and number not in cited:
            continue
        citation = finding.citation
        section = " › ".join(citation.section)
        console.print(Text(f"[{number}] {citation.label}", style="bold"), soft_wrap=True)
        place = f"    {citation.file} [{citation.start}:{citation.end}]"
        console.print(Text(f"{place} {section}".rstrip(), style="dim"), soft_wrap=True)
    if answer.checking is not None:
        console.print(Text(f"\n{_checked(answer.checking)}", style="dim"), soft_wrap=True)
    if not answer.abstained:
        console.print(Text("\n以原文为准。", style="dim"))


def json_of_answer(answer: Answer) -> dict[str, object]:
    """The fields of ``POST /api/v1/ask``, without the time it took."""
    findings, checking = answer.findings, answer.checking
    cited = {number for sentence in answer.sentences for number in sentence.citations}
    ranks = {one.hit.passage.passage_id: at for at, one in enumerate(findings.findings, start=1)}
    return {
        "query": findings.question,
        "index_version": findings.index_version,
        "mode": answer.mode,
        "abstained": answer.abstained,
        "confidence": findings.confidence,
        "reason": answer.reason,
        "named_districts": list(findings.named),
        "answer": {
            "text": answer.text,
            "sentences": [_sentence(sentence) for sentence in answer.sentences],
        },
        "citations": [
            {
                "rank": ranks[finding.hit.passage.passage_id],
                "passage_id": finding.hit.passage.passage_id,
                "text": finding.hit.passage.text,
                "score": finding.hit.score,
                "highlights": [[span.start, span.end] for span in finding.highlights],
                "other_district": finding.elsewhere,
                "citation": finding.citation.to_json(),
                "number": number,
            }
            for number, finding in enumerate(answer.evidence, start=1)
            if answer.abstained or number in cited
        ],
        "nearest": [case.to_json() for case in findings.by_case] if answer.abstained else [],
        "checking": None
        if checking is None
        else {
            "kept": checking.kept,
            "replaced": checking.replaced,
            "dropped": checking.dropped,
            "trouble": checking.trouble,
        },
    }


def _sentence(sentence: AnswerSentence) -> dict[str, object]:
    place = sentence.place
    return {
        "text": sentence.text,
        "citations": list(sentence.citations),
        "source": {"start": place.start, "end": place.end} if place else None,
        "lead": sentence.lead,
    }


def _checked(checking: Checking) -> str:
    """Say in a line what became of a model's sentences."""
    words = f"语言模型所写：照写 {checking.kept} 句，换成原文 {checking.replaced} 句，去掉 {checking.dropped} 句"
    return f"{words}；{_TROUBLES[checking.trouble]}" if checking.trouble else words
