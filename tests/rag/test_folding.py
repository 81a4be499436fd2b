from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.folding import fold, folds_between


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("退税，三天 到账。", "退税,三天到账。"),
        ("１２３％（ＡＢＣ）", "123%(ABC)"),
        ("開辦企業", "开办企业"),
        ("「甲」『乙』‘丙’＂丁＂", '"甲""乙""丙""丁"'),
        ("一\u200b网\ufe00通\u00ad办", "一网通办"),
        ("Call Back", "Call Back"),
        ("2022\r\n3 家", "2022 3家"),
        ("1.5亿。结束.", "1.5亿。结束。"),
        ("①②10²", "①②10²"),
        ("IPO", "IPO"),
        ("\uf900⼀", "岂一"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_folding_leaves_the_words(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(st.text())
def test_every_character_that_is_left_has_its_place_and_folding_twice_changes_nothing(
    text: str,
) -> None:
    folded = fold(text)
    places = folded.origin.tolist()
    assert len(places) == len(folded.text)
    assert places == sorted(set(places))
    assert all(0 <= place < len(text) for place in places)
    assert fold(folded.text).text == folded.text


@pytest.mark.parametrize(
    ("one", "other", "folds"),
    [
        ("三天到账", "三天到账", ()),
        ("三天到账", "三天\n到账", ("space",)),
        ("Call Back", "Call\nBack", ("space",)),
        ("（三天）", "(三天)", ("width",)),
        ("“三天”", "「三天」", ("punctuation",)),
        ("退稅", "退税", ("script",)),
        ("“退稅， 三天”", "「退税,三天」", ("space", "width", "punctuation", "script")),
    ],
)
def test_what_was_folded_is_told(one: str, other: str, folds: tuple[str, ...]) -> None:
    assert folds_between(one, other) == folds
    assert folds_between(other, one) == folds


def test_different_words_have_no_folds_between_them() -> None:
    with pytest.raises(ValueError, match="not the same words: '三天' and '五天'"):
        folds_between("三天", "五天")
