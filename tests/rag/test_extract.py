"""Answers in the words of their sources."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.answer import Answer
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.extract import considered, extract
from rag.filters import NO_FILTERS, Filters
from rag.likelihood import Likelihood, SentenceSignals, candidates
from rag.retrieve import Reason, Retrieval
from rag.source import decode
from rag.types import Hit, Passage

TEXT = """\
甲市2022年优化营商环境优秀案例

排名1
退税快办

静安区推出智能退税办法。企业申请之后三日内到账。过去办理退税要跑好几次。材料由系统自动核对完成。

排名2
帮办代办

嘉定区在大厅设立帮办站点。企业申请之后三日内到账。帮办员全程代办各类材料。

排名3
律师服务

法律服务团为企业提供帮助。每月到园区坐班一次解答。
"""
WEIGHTS = SentenceSignals(shared=4.0, said=3.0, passage_behind=-30.0, sentence_behind=-15.0)
BY_HAND = Likelihood(-2.0, WEIGHTS, 0.1, "by hand")


@dataclass(frozen=True, slots=True)
class Scripted:
    """Finds the passages of `TEXT` in their order, with the scores given."""

    passages: tuple[Passage, ...]
    scores: tuple[float, ...]
    near: dict[int, tuple[float, ...]]
    named: tuple[str, ...]
    reason: Reason | None

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        hits = tuple(
            Hit(passage, score, score, 0.0, 0.0, 0.0, near)
            for row, (passage, score) in enumerate(zip(self.passages, self.scores, strict=False))
            for near in [self.near.get(row, (0.5,) * len(passage.sentences))]
        )
        return Retrieval(hits, 0.8, self.reason, named=self.named)


def answered(
    question: str,
    *named: str,
    scores: tuple[float, ...] = (0.9, 0.6, 0.6),
    near: dict[int, tuple[float, ...]] | None = None,
    reason: Reason | None = None,
) -> Answer:
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = tuple(passage for case in cases for passage in passages_of(case, len))
    retriever = Scripted(passages, scores, near or {}, named, reason)
    findings = Assistant(cases, retriever, "v1").search(question)
    return extract(findings, likelihood=BY_HAND)


def test_the_sentence_that_answers_is_shown_word_for_word_with_its_place() -> None:
    answer = answered("退税几日到账？", near={0: (0.3, 0.9, 0.3, 0.2)})
    (sentence,) = answer.sentences
    assert sentence.text == "企业申请之后三日内到账。"
    assert sentence.place is not None
    assert sentence.place.of(TEXT) == sentence.text
    assert sentence.citations == (1,)
    assert answer.text == "企业申请之后三日内到账。[1]"
    assert answer.mode == "extractive"
    assert not answer.abstained


def test_sentences_are_read_in_the_order_of_the_source_whichever_is_likelier() -> None:
    answer = answered("退税材料怎么核对", near={0: (0.85, 0.2, 0.2, 0.9)})
    assert [sentence.text for sentence in answer.sentences] == [
        "静安区推出智能退税办法。",
        "材料由系统自动核对完成。",
    ]
    assert answer.text == "静安区推出智能退税办法。[1]……材料由系统自动核对完成。[1]"


def test_something_is_shown_however_unlikely_every_sentence_is() -> None:
    never = Likelihood(-50.0, WEIGHTS, 0.1, "by hand")
    findings = answered("退税", scores=(0.9,)).findings
    assert len(extract(findings, likelihood=never).sentences) == 1


def test_more_than_four_sentences_are_never_shown_in_one_line() -> None:
    always = Likelihood(50.0, WEIGHTS, 0.1, "by hand")
    findings = answered("退税", scores=(0.9, 0.9, 0.9)).findings
    assert len(extract(findings, likelihood=always).sentences) == 4


def test_the_rule_of_a_table_is_no_answer_however_near_it_is() -> None:
    table = """排名1\n拿地即开工\n\n历城区的项目如下表。\n\n| 项目名称 | 开工日期 |\n| --- | --- |\n| 临空物流园 | 三月一日 |\n"""
    cases = read_cases([decode("济南.txt", table.encode())])
    passages = tuple(passage for case in cases for passage in passages_of(case, len))
    retriever = Scripted(passages, (0.9,), {0: (0.2, 0.3, 0.9, 0.1)}, (), None)
    findings = Assistant(cases, retriever, "v1").search("开工日期")
    assert [one.text for one in candidates("开工日期", findings.findings)][2] == "| --- | --- |"
    shown = [one.text for one in extract(findings, likelihood=BY_HAND).sentences]
    assert shown == ["| 项目名称 | 开工日期 |"]


def test_a_sentence_that_two_cases_share_is_shown_once() -> None:
    near = {0: (0.1, 0.9, 0.1, 0.1), 1: (0.1, 0.9, 0.1)}
    answer = answered("三日内到账", scores=(0.9, 0.9), near=near)
    assert [sentence.text for sentence in answer.sentences] == ["企业申请之后三日内到账。"]


def test_sentences_of_several_cases_stand_in_a_line_for_each() -> None:
    near = {0: (0.9, 0.1, 0.1, 0.1), 1: (0.9, 0.1, 0.1)}
    answer = answered("退税和帮办站点", scores=(0.9, 0.9), near=near)
    assert (
        answer.text == "嘉定区：嘉定区在大厅设立帮办站点。[1]\n静安区：静安区推出智能退税办法。[2]"
    )
    assert [finding.citation.district for finding in answer.evidence] == ["嘉定区", "静安区"]


def test_districts_that_are_compared_come_in_the_question_s_order() -> None:
    answer = answered("嘉定和静安有什么不同", "嘉定区", "静安区", scores=(0.9, 0.3))
    assert [sentence.lead for sentence in answer.sentences if sentence.lead] == ["嘉定区", "静安区"]
    assert [finding.citation.district for finding in answer.evidence] == ["嘉定区", "静安区"]


@pytest.mark.parametrize(
    ("question", "named"),
    [("静安和松江谁快", ("静安区", "松江区")), ("哪些区能三日内到账", ())],
)
def test_where_several_were_asked_for_the_one_that_is_left_is_named(
    question: str, named: tuple[str, ...]
) -> None:
    answer = answered(question, *named, scores=(0.9,))
    assert [sentence.lead for sentence in answer.sentences if sentence.lead] == ["静安区"]
    assert answer.text.startswith("静安区：")


def test_a_line_without_a_district_begins_with_the_title() -> None:
    answer = answered("哪些案例帮助企业", scores=(0.5, 0.5, 0.5))
    leads = [sentence.lead for sentence in answer.sentences if sentence.lead]
    assert leads == ["静安区", "嘉定区", "《律师服务》"]


def test_a_case_far_behind_is_not_among_the_several() -> None:
    answer = answered("哪些区办退税", scores=(0.9, 0.8, 0.5))
    assert [finding.citation.district for finding in answer.evidence] == ["静安区", "嘉定区"]


def test_a_question_that_names_a_district_is_answered_from_its_cases_only() -> None:
    answer = answered("嘉定几日到账", "嘉定区", scores=(0.9, 0.5, 0.5))
    assert {finding.citation.district for finding in answer.evidence} == {"嘉定区"}


def test_where_the_district_is_unknown_the_case_may_answer_for_the_one_named() -> None:
    answer = answered("松江有没有法律服务团", "松江区")
    assert [finding.citation.title for finding in answer.evidence] == ["律师服务"]


def test_cases_of_other_districts_are_refused_and_named_as_the_nearest() -> None:
    answer = answered("松江几日到账", "松江区", scores=(0.9, 0.8))
    assert answer.reason == "not_in_district"
    assert answer.sentences == ()
    assert answer.text == (
        "案例集里没有松江区与这个问题有关的内容。最接近的是：静安区《退税快办》（甲市2022年优化营商环境优秀案例，排名1）；"
        "嘉定区《帮办代办》（甲市2022年优化营商环境优秀案例，排名2）。这些原文不一定回答了问题。"
    )
    assert len(answer.evidence) == 2


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("not_in_collection", "案例集里没有与这个问题有关的内容。"),
        ("low_confidence", "案例集里没有找到能回答这个问题的原文。"),
        ("not_in_district", "案例集里没有与这个问题有关的内容。"),
    ],
)
def test_what_was_refused_in_the_search_is_refused_in_words(reason: Reason, words: str) -> None:
    answer = answered("退税几日到账", reason=reason)
    assert answer.reason == reason
    assert answer.sentences == ()
    assert answer.notice.startswith(words)


@pytest.mark.parametrize(
    ("named", "filters", "words"),
    [
        (("静安区",), Filters(districts=("嘉定",)), "所选范围里没有静安区与这个问题有关的内容。"),
        (("静安区",), Filters(years=(1999,)), "所选范围里没有静安区与这个问题有关的内容。"),
        ((), Filters(districts=("嘉定",)), "案例集里没有嘉定与这个问题有关的内容。"),
        (("静安区",), NO_FILTERS, "案例集里没有静安区与这个问题有关的内容。"),
    ],
)
def test_a_refusal_says_no_more_than_what_was_searched(
    named: tuple[str, ...], filters: Filters, words: str
) -> None:
    findings = answered("几日到账", *named, scores=(), reason="not_in_district").findings
    assert extract(findings, filters).text == words


def test_a_refusal_without_any_passage_says_only_why() -> None:
    answer = answered("退税", scores=(), reason="not_in_collection")
    assert answer.text == "案例集里没有与这个问题有关的内容。"
    assert answer.evidence == ()


def test_a_question_over_several_cases_is_looked_for_in_ten_passages_at_least() -> None:
    assert considered(answered("退税几日到账").findings, 5) == 5
    assert considered(answered("哪些区办退税").findings, 5) == 10
    assert considered(answered("哪些区办退税").findings, 20) == 20


def test_what_is_known_of_a_sentence_is_counted_by_hand() -> None:
    near = {0: (0.3, 0.9, 0.3, 0.2)}
    findings = answered("退税几天到账", scores=(0.9, 0.6), near=near).findings
    first, second, *_ = candidates("退税几天到账", findings.findings)
    # Telling terms: 退税, 税几, 几天, 天到, 到账. 几天 asks for a duration.
    assert first.signals == SentenceSignals(1 / 5, 0.0, 0.0, pytest.approx(0.6))
    assert second.signals == SentenceSignals(1 / 5, 1.0, 0.0, 0.0)
    behind = candidates("退税几天到账", findings.findings)[4].signals
    assert behind.passage_behind == pytest.approx(0.3)


def test_a_sentence_says_half_of_what_nobody_asks_for() -> None:
    findings = answered("怎么退税").findings
    assert {one.signals.said for one in candidates("怎么退税", findings.findings)} == {0.5}


@given(
    st.text(alphabet="退税几日到账静安嘉定区哪些帮办材料", min_size=1, max_size=20),
    st.tuples(*[st.floats(0.0, 1.0)] * 3),
    st.sets(st.sampled_from(["静安区", "嘉定区", "松江区"])),
)
def test_every_sentence_is_at_its_place_in_the_passage_it_cites_and_of_a_district_named(
    question: str, scores: tuple[float, float, float], named: set[str]
) -> None:
    answer = answered(question, *named, scores=tuple(sorted(scores, reverse=True)))
    for sentence in answer.sentences:
        (number,) = sentence.citations
        cited = answer.evidence[number - 1]
        assert sentence.place is not None
        assert sentence.place.of(TEXT) == sentence.text
        assert sentence.text in cited.hit.passage.text
        assert not cited.elsewhere
    assert bool(answer.sentences) != answer.abstained
    numbers = [number for sentence in answer.sentences for number in sentence.citations]
    assert sorted(set(numbers)) == list(range(1, len(set(numbers)) + 1))
