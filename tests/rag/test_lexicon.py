"""The lexicon: everyday words in, official ones out."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.lexicon import (
    NO_LEXICON,
    Found,
    Lexicon,
    LexiconError,
    located,
    parse_lexicon,
    read_lexicon,
    weighted_terms,
)
from rag.tokens import normalized, terms_of

DATA = Path(__file__).parents[2] / "data" / "lexicon.tsv"


def written(tmp_path: Path, data: str | bytes) -> Path:
    file = tmp_path / "词.tsv"
    file.write_bytes(data if isinstance(data, bytes) else data.encode())
    return file


def test_each_key_of_the_bundled_lexicon_is_found_and_brings_something() -> None:
    lexicon = read_lexicon(DATA)
    keys = {key: terms for key, terms in lexicon.entries.items() if terms}
    assert len(keys) == 910
    for key, terms in keys.items():
        brought = tuple(term for term in terms if key not in normalized(term))
        assert brought
        assert list(lexicon.found(key)) == [Found(key, brought)]


def test_each_word_of_the_bundled_lexicon_that_stands_for_itself_guards_against_a_key() -> None:
    entries = read_lexicon(DATA).entries
    keys = [key for key, terms in entries.items() if terms]
    for word in (word for word, terms in entries.items() if not terms):
        inside = [key for key in keys if key in word]
        across = [
            key
            for key in keys
            for cut in range(1, min(len(key), len(word)))
            if word.endswith(key[:cut])
        ]
        assert inside + across, word


@pytest.mark.parametrize(
    "question",
    [
        *("怎样才算符合规定", "协调解决哪些难题", "提高企业满意度", "平台办理要几天"),
        *("公开工作计划", "法治共建委员会", "举办电影节", "个人社交账号", "替代办法", "当地税务"),
        *("Taiwan 的企业", "Apple 的店", "第128条怎么说", "好差评几小时答复", "旧金山", "居民企业"),
    ],
)
def test_no_key_of_the_bundled_lexicon_is_found_across_words(question: str) -> None:
    assert list(read_lexicon(DATA).found(question)) == []


@pytest.mark.parametrize(
    ("question", "key"),
    [
        *(("我要办执照", "办执照"), ("静安高企怎么做", "高企"), ("用AI审批吗", "ai")),
        *(("出台28条政策", "28条"), ("北外滩的律所", "北外滩"), ("陆家嘴金融城的企业", "陆家嘴")),
    ],
)
def test_a_key_of_the_bundled_lexicon_is_found_where_it_is_a_word(question: str, key: str) -> None:
    assert key in [found.key for found in read_lexicon(DATA).found(question)]


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


def test_a_key_that_stands_for_itself_keeps_others_from_being_found(tmp_path: Path) -> None:
    lexicon = read_lexicon(written(tmp_path, "合规\t企业合规改革|守法\n符合\t=\n"))
    assert lexicon.entries == {"合规": ("企业合规改革", "守法"), "符合": ()}
    assert lexicon.official("符合规定吗") == ()
    assert lexicon.official("符合合规要求") == ("守法",)


def test_a_key_does_not_bring_terms_that_contain_it() -> None:
    lexicon = Lexicon(
        {"贷款": ("普惠小微贷款", "信贷支持"), "浦东": ("浦东新区",), "ai": ("ＡＩ助手",)}
    )
    assert list(lexicon.found("AI贷款，浦东")) == [
        Found("ai", ()),
        Found("贷款", ("信贷支持",)),
        Found("浦东", ()),
    ]


def test_no_key_is_found_that_begins_inside_an_official_term_but_one_it_begins_with_is() -> None:
    lexicon = Lexicon(
        {"差评": ("好差评",), "陆家嘴": ("浦东新区", "陆家嘴金融城"), "金融": ("银行",)}
    )
    assert lexicon.official("好差评") == ()
    assert list(lexicon.found("陆家嘴金融城")) == [Found("陆家嘴", ("浦东新区",))]
    short = Lexicon({"甲": ("乙丙",), "丙丁": ("戊",)})
    assert short.official("乙丙丁") == ("戊",)  # two characters are no guard


@pytest.mark.parametrize(
    ("question", "found"),
    [
        *(("用AI", True), ("AI助手", True), ("2AI3", True), ("taiwan", False), ("ai’s", True)),
        *(("28条", True), ("出28条", True), ("128条", False), ("28条a", True), ("第28条5款", True)),
    ],
)
def test_keys_do_not_begin_or_end_inside_a_number_or_a_latin_word(
    question: str, *, found: bool
) -> None:
    assert bool(Lexicon({"ai": ("智能",), "28条": ("政策",)}).official(question)) is found


letters = st.text(alphabet="甲乙丙", max_size=8)
keys = st.text(alphabet="甲乙丙", min_size=2, max_size=4)


@given(question=letters, names=st.frozensets(keys, max_size=5))
def test_what_is_found_stands_in_the_question(question: str, names: frozenset[str]) -> None:
    lexicon = Lexicon(dict.fromkeys(names, ("丁",)))
    found = [one.key for one in lexicon.found(question)]
    assert all(key in names for key in found)
    assert "".join(found) in _subsequences(question, len("".join(found)))
    assert bool(found) == any(key in question for key in names)


def _subsequences(text: str, length: int) -> set[str]:
    from itertools import combinations

    return {"".join(letters) for letters in combinations(text, length)}


def test_all_faults_of_a_file_are_told_with_their_lines() -> None:
    data = (
        "退税\n# 备注\n开店\t开办企业\n店\t=\n".encode() + b"\xff\t=\n" + "开店\t=\n退\t，".encode()
    )
    reading = parse_lexicon(data, "词.tsv")
    assert reading.lexicon == Lexicon({"开店": ("开办企业",)})
    form = "应为“日常说法<制表符>规范用语|规范用语”，日常说法不少于 2 个字；现在是"
    assert reading.faults == (
        f"词.tsv：第 1 行：{form} '退税'",
        f"词.tsv：第 4 行：{form} '店\\t='",
        "词.tsv：第 5 行：不是 UTF-8；请另存为 UTF-8",
        "词.tsv：第 6 行：“开店”在一行是原样词（=），在另一行有规范用语；请只留一种",
        f"词.tsv：第 7 行：{form} '退\\t，'",
    )


def test_a_lexicon_that_must_be_sound_names_its_first_fault_and_counts_the_rest(
    tmp_path: Path,
) -> None:
    with pytest.raises(LexiconError, match=r"第 1 行：应为.*现在是 '退税'（另有 1 行有误）$"):
        read_lexicon(written(tmp_path, "退税\n开店\n"))


PLACES = Lexicon(
    {
        "静安寺": ("静安区",),
        "陆家嘴": ("浦东新区", "金融城"),
        "虹桥": ("商务区", "长宁区", "闵行区"),
    }
)


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("陆家嘴的企业", "浦东新区 陆家嘴的企业"),
        ("虹桥那边", "长宁区、闵行区 虹桥那边"),
        ("陆家嘴和虹桥", "浦东新区、长宁区、闵行区 陆家嘴和虹桥"),
        ("浦东新区陆家嘴", "浦东新区陆家嘴"),
        ("静安寺那一带", "静安寺那一带"),
        ("静安区的企业", "静安区的企业"),
    ],
)
def test_a_question_names_the_districts_that_its_landmarks_lie_in(
    question: str, asked: str
) -> None:
    assert located(question, PLACES) == asked


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
