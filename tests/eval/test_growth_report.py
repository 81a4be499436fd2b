"""The section on growth is made of what was measured."""

from __future__ import annotations

import pytest

from eval.growth_report import TITLE, Measured, section_of, with_section


def measured(passages: int) -> Measured:
    return Measured(
        passages=passages,
        real=1000,
        vectors=3 * passages,
        kind="exact",
        build_s={"records": 1.0, "lexical": 2.4, "dense": 3.0},
        build_peak_mb=1234.5,
        disk={"a": 2 * passages, "b": 500 * passages},
        open_s=0.25,
        memory_mb={
            "encoder": {"own": 1.0, "mapped": 2.0},
            "opened": {"own": 3.0, "mapped": 4.0},
            "asked": {"own": 150.2, "mapped": 99.6},
        },
        questions=3,
        encoder_ms=[4.0, 5.0, 6.0],
        search_ms=[1.0, 2.0, 3.0],
        filtered_ms=[2.0, 2.0, 2.0],
        recalled=[1.0, 0.9, 1.0],
        recalled_fused=[1.0, 1.0],
        load=0.5,
    )


def test_a_size_is_a_row_of_each_table() -> None:
    section = section_of([measured(1000), measured(20_000)])
    assert section.startswith(f"{TITLE}\n\n`make bench-growth`, 3 questions of RGB")
    assert (
        "| 20,000 | 1,000 | 60,000 | exact | 1 + 2 + 3 | 1,234 | 502 | 0.2 | 150 + 100 |" in section
    )
    assert "| 1,000 | 2.0 / 2.9 / 3.0 | 2.0 / 2.0 / 2.0 | 0.9667 | 1.0000 (n = 2) |" in section
    assert "Encoding a question takes 5.0 / 6.0 / 6.0 ms besides" in section
    assert "load was 0.5 to 0.5" in section


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no measurement to report"):
        section_of([])


def test_a_section_is_replaced_where_it_stands_and_only_there() -> None:
    section = section_of([measured(1000)])
    document = (
        "# Performance\n\n## Start\n\na\n\n## Growth\n\nold | x\n\n## Growth of others\n\nb\n"
    )
    once = with_section(document, section)
    assert once == with_section(once, section)
    assert once == f"# Performance\n\n## Start\n\na\n\n{section}\n## Growth of others\n\nb\n"
    assert with_section("# Performance\n", section) == f"# Performance\n\n{section}"
    assert with_section("", section) == section
