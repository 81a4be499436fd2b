"""What growth was measured to be, as a section of a document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

TITLE = "## Growth"
_SECTION = re.compile(rf"^{TITLE}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_HEAD = """\
| passages | of them real | vectors | index | build s | build peak MB | disk bytes a passage | open s | RSS MB, own + mapped |
|---|---|---|---|---|---|---|---|---|
"""
_SEARCH = """\
| passages | search ms, p50 / p95 / p99 | filter of one in ten | recall@10 by vector | recall@10 fused |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One size.

    Attributes:
        passages: How many.
        real: Those whose text and vectors are as they stand in the collection.
        vectors: Of sentences.
        kind: How the vectors are kept, as `index.dense` says.
        build_s: Seconds by stage.
        build_peak_mb: The most that a stage took, in MiB.
        disk: Bytes by file.
        open_s: Seconds from the files to the first question, encoder apart.
        memory_mb: Own and mapped resident memory in MiB: with the encoder alone, when opened, and
            after all questions.
        questions: How many.
        encoder_ms: Milliseconds of each question's encoding.
        search_ms: Of each search without it.
        filtered_ms: The same under a filter that leaves one passage in ten.
        recalled: Of each question the share of its ten best passages by vector that are found.
        recalled_fused: The same of the whole search, against exact vectors.
        load: Processes that wanted a processor while it was measured.
    """

    passages: int
    real: int
    vectors: int
    kind: str
    build_s: Mapping[str, float]
    build_peak_mb: float
    disk: Mapping[str, int]
    open_s: float
    memory_mb: Mapping[str, Mapping[str, float]]
    questions: int
    encoder_ms: Sequence[float]
    search_ms: Sequence[float]
    filtered_ms: Sequence[float]
    recalled: Sequence[float]
    recalled_fused: Sequence[float]
    load: float


def section_of(measured: Sequence[Measured]) -> str:
    """Write the section: two tables and what they are of.

    Raises:
        ValueError: If nothing was measured.
    """
    if not measured:
        message = "there is no measurement to report"
        raise ValueError(message)
    encoder = np.concatenate([np.asarray(one.encoder_ms) for one in measured])
    lines = [TITLE, "", _PREFACE.format(questions=measured[0].questions).strip(), "", _HEAD.strip()]
    lines += map(_row, measured)
    lines += ["", _SEARCH.strip(), *map(_search_row, measured), ""]
    loads = f"{min(one.load for one in measured):.1f} to {max(one.load for one in measured):.1f}"
    lines.append(
        f"Encoding a question takes {_quantiles(encoder)} ms besides, at every size. "
        f"The machine's load was {loads} on its cores while this was measured."
    )
    return "\n".join(lines) + "\n"


def with_section(document: str, section: str) -> str:
    r"""Put the section into a document, in place of the one it has or at its end.

    >>> with_section("# A\n\n## Growth\n\nold\n\n## B\n", "## Growth\n\nnew\n")
    '# A\n\n## Growth\n\nnew\n\n## B\n'
    >>> with_section("# A\n", "## Growth\n")
    '# A\n\n## Growth\n'
    """
    if _SECTION.search(document):
        replaced = _SECTION.sub(lambda _: f"{section}\n", document, count=1)
        return replaced.rstrip("\n") + "\n"
    return f"{document.rstrip()}\n\n{section}" if document.strip() else section


def _row(one: Measured) -> str:
    own, mapped = one.memory_mb["asked"]["own"], one.memory_mb["asked"]["mapped"]
    cells = (
        f"{one.passages:,}",
        f"{one.real:,}",
        f"{one.vectors:,}",
        one.kind,
        " + ".join(f"{seconds:.0f}" for seconds in one.build_s.values()),
        f"{one.build_peak_mb:,.0f}",
        f"{sum(one.disk.values()) / one.passages:,.0f}",
        f"{one.open_s:.1f}",
        f"{own:,.0f} + {mapped:,.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _search_row(one: Measured) -> str:
    cells = (
        f"{one.passages:,}",
        _quantiles(np.asarray(one.search_ms)),
        _quantiles(np.asarray(one.filtered_ms)),
        f"{fmean(one.recalled):.4f}",
        f"{fmean(one.recalled_fused):.4f} (n = {len(one.recalled_fused)})",
    )
    return f"| {' | '.join(cells)} |"


def _quantiles(times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return " / ".join(f"{value:.1f}" for value in np.percentile(times, [50, 95, 99]))


_PREFACE = """
`make bench-growth`, {questions} questions of RGB over its own sentences, recombined
([decision 0028](decisions/0028-growth.md)). Real are passages made of three sentences as they follow each
other, with the encoder's own vectors; the rest is sentences drawn anew, with vectors moved by what two others
differ by (`eval.recombined`). That is an approximation: no new topics, and words grow no rarer, so lists of
postings are longer than a real collection's. Build seconds are of records, terms and vectors, without reading, cutting
and encoding. Searches are whole ones in process, with fusion and five passages as they are shown, without encoding
the question and without late interaction, whose tokens no recombined passage has. Recall is of the first ten
passages against all vectors compared in 32 bits; *fused* is of the whole search.
"""
