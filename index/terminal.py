"""`Findings` at a terminal, for a person to read."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rag.assistant import Finding, Findings

_OTHER = "（其他区）"
"""Behind the label of a case that is of none of the districts the question names."""


def print_findings(findings: Findings, *, by_case: bool) -> None:
    """Print findings for a person to read.

    Args:
        findings: What was found; a refusal is told first.
        by_case: Whether passages stand below the heading of their case, cases in the order of their
            first; the numbers are the ranks either way.
    """
    console = Console(highlight=False)
    if findings.abstained:
        what = "以下是最接近的段落，可能并不回答这个问题" if findings.findings else "没有可查的案例"
        console.print(f"案例集里没有找到答案（把握 {findings.confidence:.0%}）；{what}。\n")
    if not by_case:
        for number, finding in enumerate(findings.findings, start=1):
            _line(console, f"{number}. {_label(finding)}", "bold")
            if finding.citation.section:
                _line(console, f"   {_section(finding)}", "dim")
            _passage(console, finding)
        return
    for case in findings.by_case:
        found = [(rank, findings.findings[rank - 1]) for rank in case.ranks]
        _line(console, _label(found[0][1]), "bold")
        for rank, finding in found:
            _line(console, f"{rank}. {_section(finding)}".rstrip(), "dim")
            _passage(console, finding)


def _label(finding: Finding) -> str:
    return finding.citation.label + (_OTHER if finding.elsewhere else "")


def _section(finding: Finding) -> str:
    return " › ".join(finding.citation.section)


def _passage(console: Console, finding: Finding) -> None:
    """Print the text and where it stands."""
    citation = finding.citation
    console.print(_marked(finding), soft_wrap=True)
    place = f"   出处：{citation.file} [{citation.start}:{citation.end}]"
    _line(console, f"{place}，相关度 {finding.hit.score:.2f}\n", "dim")


def _line(console: Console, words: str, style: str) -> None:
    console.print(Text(words, style=style), soft_wrap=True)


def _marked(finding: Finding) -> Text:
    """The passage: the sentence that matched underlined, the question's words marked."""
    passage, sentence = finding.hit.passage, finding.hit.sentence
    text = Text(passage.text)
    text.stylize(
        "underline", sentence.start - passage.span.start, sentence.end - passage.span.start
    )
    for span in finding.highlights:
        text.stylize("bold yellow", span.start, span.end)
    return text
