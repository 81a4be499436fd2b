from __future__ import annotations

import pytest

from rag.figures import figures_of, whole_figures


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("3天", ("3",)),
        ("三天", ("3",)),
        ("十三天", ("13",)),
        ("二十天", ("20",)),
        ("一百零五件", ("105",)),
        ("三千二百万元", ("32000000",)),
        ("3200万元", ("32000000",)),
        ("1.50亿", ("150000000",)),
        ("1,200,000户", ("1200000",)),
        ("2022,35家", ("2022", "35")),
        ("二〇二二年", ("2022",)),
        ("三点五亿", ("350000000",)),
        ("增长10%", ("10%",)),
        ("2022.3.1起", ("2022.3.1",)),
        ("统一办理,十分方便,万里无云", ()),
    ],
)
def test_figures_are_read_by_value(text: str, figures: tuple[str, ...]) -> None:
    assert figures_of(text) == figures


@pytest.mark.parametrize(
    ("text", "run", "whole"),
    [
        ("退税13天到账", "3天到账", "13天到账"),
        ("补贴10万元", "补贴10", "补贴10万"),
        ("增长1.5倍", "增长1", "增长1.5"),
        ("共二十家企业", "十家企业", "二十家企业"),
        ("统一三级标准", "三级标准", "三级标准"),
        ("2022,35家", "35家", "35家"),
        ("占10%以上", "占10", "占10%"),
    ],
)
def test_a_run_is_widened_until_it_cuts_no_figure(text: str, run: str, whole: str) -> None:
    start = text.index(run)
    assert text[slice(*whole_figures(text, start, start + len(run)))] == whole
