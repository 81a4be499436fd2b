"""An `Answer` at a terminal, for a person to read."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from rag.answer import Answer, Checking

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


def _checked(checking: Checking) -> str:
    """Say in a line what became of a model's sentences."""
    words = f"语言模型所写：照写 {checking.kept} 句，换成原文 {checking.replaced} 句，去掉 {checking.dropped} 句"
    return f"{words}；{_TROUBLES[checking.trouble]}" if checking.trouble else words
