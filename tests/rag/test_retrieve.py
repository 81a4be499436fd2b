"""Fusion, filters, duplicates and ties, over rankers one can compute by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import build
from index.store import current_version, open_version
from rag.assistant import Assistant
from rag.retrieve import DENSE_WEIGHT, Filters

TEXT = """\
甲市2022年优化营商环境优秀案例

排名1
退税快办

静安区推出智能退税，企业三日到账。

排名2
帮办代办

嘉定区设立帮办站，帮办员现场服务。

甲市2023年优化营商环境良好实践

排名1
帮办代办

嘉定区设立帮办站，帮办员现场服务。

排名2
律师服务

法律服务团为企业提供帮助，随叫随到。
"""


def opened(index: Path, encoder) -> Assistant:
    return open_version(current_version(index), encoder)


@pytest.fixture
def assistant(tmp_path: Path, encoder) -> Assistant:
    (tmp_path / "甲市.txt").write_text(TEXT, encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder)
    return opened(tmp_path / "index", encoder)


def titles(assistant: Assistant, question: str, **filters: tuple[object, ...]) -> list[str]:
    found = assistant.search(question, filters=Filters(**filters))  # type: ignore[arg-type]
    return [f"{f.citation.year} {f.citation.title}" for f in found.findings]


def test_the_passage_with_the_questions_words_comes_first(assistant: Assistant) -> None:
    assert titles(assistant, "静安退税")[0] == "2022 退税快办"
    assert titles(assistant, "帮办")[0] == "2022 帮办代办"


def test_the_score_is_the_weighted_sum_of_both_and_lies_between_0_and_1(
    assistant: Assistant,
) -> None:
    for finding in assistant.search("帮办企业退税").findings:
        hit = finding.hit
        assert hit.score == pytest.approx(
            DENSE_WEIGHT * hit.dense + (1 - DENSE_WEIGHT) * hit.lexical, abs=1e-6
        )
        assert 0 <= hit.score <= 1


def test_a_repeated_case_is_returned_once_as_its_original(assistant: Assistant) -> None:
    assert titles(assistant, "帮办站") == ["2022 帮办代办", "2023 律师服务", "2022 退税快办"]


def test_a_repeat_is_returned_where_the_filter_shuts_its_original_out(
    assistant: Assistant,
) -> None:
    assert titles(assistant, "帮办站", years=(2023,)) == ["2023 帮办代办", "2023 律师服务"]


@pytest.mark.parametrize("name", ["嘉定区", "嘉定", " 嘉定 "])
def test_a_district_is_known_by_its_name_and_as_people_say_it(
    assistant: Assistant, name: str
) -> None:
    assert titles(assistant, "退税", districts=(name,)) == ["2022 帮办代办"]


def test_values_of_a_filter_are_alternatives_and_filters_add_up(assistant: Assistant) -> None:
    both = titles(assistant, "退税", districts=("嘉定区", "静安区"))
    assert both == ["2022 退税快办", "2022 帮办代办"]
    assert titles(assistant, "退税", districts=("嘉定区", "静安区"), years=(2023,)) == [
        "2023 帮办代办"
    ]


def test_a_part_of_a_collections_title_selects_it(assistant: Assistant) -> None:
    assert titles(assistant, "企业", collections=("良好实践",)) == [
        "2023 律师服务",
        "2023 帮办代办",
    ]


def test_one_case_can_be_searched_alone(assistant: Assistant) -> None:
    case = assistant.cases[3]
    assert titles(assistant, "退税", case_ids=(case.case_id,)) == ["2023 律师服务"]


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (Filters(districts=("徐汇区",)), "not_in_district"),
        (Filters(districts=("定",)), "not_in_district"),
        (Filters(years=(1999,)), "not_in_collection"),
        (Filters(case_ids=("nothing",)), "not_in_collection"),
    ],
)
def test_a_filter_that_lets_nothing_through_says_why(
    assistant: Assistant, filters: Filters, reason: str
) -> None:
    findings = assistant.search("退税", filters=filters)
    assert (findings.findings, findings.confidence, findings.reason) == ((), 0.0, reason)


def test_ties_are_ordered_by_passage_id(assistant: Assistant) -> None:
    findings = assistant.search("空空如也").findings
    assert {finding.hit.score for finding in findings} == {findings[0].hit.score}
    ids = [finding.hit.passage.passage_id for finding in findings]
    assert ids == sorted(ids)


def test_the_limit_counts_passages(assistant: Assistant) -> None:
    assert len(assistant.search("企业", limit=2).findings) == 2
    assert len(assistant.search("企业", limit=50).findings) == 3


@pytest.mark.parametrize(("question", "limit"), [("", 5), (" \n\u3000", 5), ("退税", 0)])
def test_a_blank_question_or_a_limit_below_1_is_refused(
    assistant: Assistant, question: str, limit: int
) -> None:
    with pytest.raises(ValueError, match="a search needs words and a limit of 1 or more"):
        assistant.search(question, limit=limit)


def test_every_citation_points_at_exactly_the_passage(assistant: Assistant) -> None:
    for finding in assistant.search("企业帮办退税", limit=50).findings:
        citation = finding.citation
        assert TEXT[citation.start : citation.end] == finding.hit.passage.text
        assert citation.file.endswith("/甲市.txt")


def test_a_question_without_terms_still_ranks_by_vector(assistant: Assistant) -> None:
    assert len(assistant.search("？？？").findings) == 3


def test_the_best_sentence_is_the_one_nearest_to_the_question(tmp_path: Path, encoder) -> None:
    text = "嘉定区\n\n企业到窗口办理事项。现场退税很快就办好。群众都说办得不错。"
    (tmp_path / "一.txt").write_text(text, encoding="utf-8")
    build([tmp_path / "一.txt"], tmp_path / "index", encoder)
    (finding,) = opened(tmp_path / "index", encoder).search("退税").findings
    assert finding.hit.sentence.of(text) == "现场退税很快就办好。"
