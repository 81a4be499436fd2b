"""What a table says beside its numbers: what they rest on, and what they do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval.phrase import Phrase
from eval.wording import WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eval.result import Result
    from eval.rows import Row


def footnotes_of(rows: Sequence[Row]) -> tuple[Phrase, ...]:
    """Say what the numbers of one table are: which p is corrected, which means are of few, costs.

    Args:
        rows: Those of one dataset, at least one.
    """
    notes = []
    pairs = [row.headline for row in rows if row.headline is not None]
    if pairs:
        notes.append(WORDS["family"].filled(measure=rows[0].measures[0], m=len(pairs)))
    if any(cell.few for row in rows for cell in row.cells.values()):
        notes.append(WORDS["few"])
    if any(row.cost is not None for row in rows):
        notes.append(WORDS["costs"])
    return tuple(notes)


def caption_of(rows: Sequence[Row]) -> Phrase:
    """Say of how many questions the means of one table are, and what stands beside them."""
    counts = {cell.n for row in rows for cell in row.cells.values()} or {0}
    n = f"{min(counts)}–{max(counts)}" if len(counts) > 1 else str(max(counts))
    return WORDS["caption"].filled(n=n)


def corpus_warning(results: Sequence[Result]) -> Phrase | None:
    """Warn where results that are compared were asked of different texts; None where they were not.

    Args:
        results: Those of one table or comparison.
    """
    systems: dict[str, list[str]] = {}
    for result in results:
        p = result.provenance
        systems.setdefault(p.corpus_sha256, []).append(p.system)
    if len(systems) < 2:  # noqa: PLR2004 -- one corpus, or none
        return None
    parts = [(digest[:8], names) for digest, names in systems.items()]
    return WORDS["corpora"].filled(
        n=len(systems),
        parts=Phrase(
            "；".join(f"{digest}：{'、'.join(names)}" for digest, names in parts),
            "; ".join(f"{digest}: {', '.join(names)}" for digest, names in parts),
        ),
    )


def corpus_warnings(results: Sequence[Result]) -> tuple[Phrase, ...]:
    """Warn of each dataset whose results were asked of different texts, its name first."""
    warnings = []
    for dataset in dict.fromkeys(result.provenance.dataset for result in results):
        own = [result for result in results if result.provenance.dataset == dataset]
        if (warning := corpus_warning(own)) is not None:
            warnings.append(Phrase(f"{dataset}：{warning.zh}", f"{dataset}: {warning.en}"))
    return tuple(warnings)


def commits_of(results: Sequence[Result]) -> Phrase:
    """Name the commit of some results; of several, the earliest run's and the latest's.

    Args:
        results: At least one.
    """
    by_time = sorted(results, key=lambda result: result.provenance.started)
    commits = list(dict.fromkeys(result.provenance.commit for result in by_time))
    names = [
        Phrase(commit, commit) if commit else WORDS["no_commit"]
        for commit in (commits[0], commits[-1])
    ]
    if len(commits) > 1:
        return WORDS["commits"].filled(first=names[0], last=names[1], n=len(commits))
    return WORDS["commit"].filled(commit=names[0]) if commits[0] else names[0]
