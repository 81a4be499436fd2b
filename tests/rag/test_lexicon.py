"""The lexicon: everyday words in, official ones out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.lexicon import NO_LEXICON, Lexicon, LexiconError, read_lexicon, weighted_terms
from rag.tokens import terms_of

DATA = Path(__file__).parents[2] / "data" / "lexicon.tsv"


def written(tmp_path: Path, data: str | bytes) -> Path:
    file = tmp_path / "词.tsv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


def test_the_bundled_lexicon_can_be_read_and_each_of_its_keys_is_found() -> None:
    lexicon = read_lexicon(DATA)
    assert len(lexicon.entries) > 100
    for key, terms in lexicon.entries.items():
        assert lexicon.official(key) == terms


def test_a_line_is_a_key_and_its_terms(tmp_path: Path) -> None:
    text = "\ufeff# 备注\n\n开公司 \t 企业设立登记 | 营业执照\r\n  ＷｉＦｉ\t无线网络||\n"
    assert read_lexicon(written(tmp_path, text)).entries == {
        "开公司": ("企业设立登记", "营业执照"),
        "wifi": ("无线网络",),
    }


def test_a_key_on_several_lines_has_the_terms_of_all_once(tmp_path: Path) -> None:
    text = "退税\t退还\n退税\t返还|退还"
    assert read_lexicon(written(tmp_path, text)).entries == {"退税": ("退还", "返还")}


def test_an_empty_file_is_an_empty_lexicon(tmp_path: Path) -> None:
    assert read_lexicon(written(tmp_path, "")) == NO_LEXICON


@pytest.mark.parametrize(
    "line",
    [
        "退税",
        "退税,退还",
        "\t退还",
        "退\t退还",
        "ﾊﾞ\t公共汽车",  # one character once its width is folded
        "退税\t",
        "退税\t|",
        "退税\t退还\t备注",
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    file = written(tmp_path, f"开店\t开办企业\n{line}\n")
    with pytest.raises(LexiconError) as caught:
        read_lexicon(file)
    assert str(caught.value).startswith(f"{file}：第 2 行：应为“日常说法<制表符>规范用语|规范用语”")
    assert str(caught.value).endswith(f"现在是 {line.strip()!r}")


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, "开店\t开办企业\n".encode() + "退税\t退还\n".encode("gb18030"))
    with pytest.raises(LexiconError, match=r"词\.tsv：第 2 行：不是 UTF-8；请另存为 UTF-8$"):
        read_lexicon(file)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match=r"词\.tsv：读不了（.+）；应为口语词表，请检查路径$"):
        read_lexicon(tmp_path / "词.tsv")
    with pytest.raises(LexiconError, match="读不了"):
        read_lexicon(tmp_path)


LEXICON = Lexicon(
    {"公司": ("企业",), "开公司": ("设立登记", "执照"), "退税": ("退还",), "app": ("客户端",)}
)


@pytest.mark.parametrize(
    ("question", "official"),
    [
        ("怎么开公司", ("设立登记", "执照")),
        ("公司退税，公司退税", ("企业", "退还")),
        ("退税开公司", ("退还", "设立登记", "执照")),
        ("用ＡＰＰ吗", ("客户端",)),
        ("开公", ()),
        ("", ()),
    ],
)
def test_keys_are_matched_from_left_to_right_the_longest_first(
    question: str, official: tuple[str, ...]
) -> None:
    assert LEXICON.official(question) == official


def test_keys_do_not_overlap() -> None:
    lexicon = Lexicon({"甲乙": ("一",), "乙丙": ("二",), "丙丁": ("三",)})
    assert lexicon.official("甲乙丙丁") == ("一", "三")


letters = st.text(alphabet="甲乙丙", max_size=8)
keys = st.text(alphabet="甲乙丙", min_size=2, max_size=4)


@given(question=letters, entries=st.dictionaries(keys, st.just(()).map(lambda _: ()), max_size=5))
def test_what_is_found_stands_in_the_question(question: str, entries: dict[str, object]) -> None:
    lexicon = Lexicon({key: (f"<{key}>",) for key in entries})
    found = lexicon.official(question)
    assert all(term[1:-1] in question for term in found)
    assert bool(found) == any(key in question for key in entries)


def test_official_terms_weigh_less_and_never_replace_the_questions_own() -> None:
    lexicon = Lexicon({"退税": ("税款退还",)})
    assert weighted_terms("退税退税", lexicon, 0.25) == {
        **dict.fromkeys(("退", "退税", "税", "税退"), 1.0),
        **dict.fromkeys(("税款", "款", "款退", "退还", "还"), 0.25),
    }


@given(question=st.text(max_size=20))
def test_without_a_lexicon_every_term_of_the_question_weighs_1(question: str) -> None:
    assert weighted_terms(question, NO_LEXICON, 0.5) == dict.fromkeys(terms_of(question), 1.0)


@pytest.mark.parametrize("weight", [-0.1, 1.0, float("nan")])
def test_a_weight_outside_0_to_1_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weighs from 0 to below 1"):
        weighted_terms("退税", LEXICON, weight)
