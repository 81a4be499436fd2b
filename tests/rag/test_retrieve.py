"""Order, repeats, ties and tuning, over an index one can compute by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from index.build import build
from index.recipe import Recipe
from index.store import current_version, open_version
from rag.assistant import Assistant
from rag.confidence import DEFAULT
from rag.filters import Filters
from rag.lexicon import Lexicon
from rag.tuning import DEFAULT_WEIGHTS, Tuning


def test_the_passage_with_the_questions_words_comes_first(titles) -> None:
    assert titles("静安退税")[0] == "2022 退税快办"
    assert titles("帮办")[0] == "2022 帮办代办"


def test_the_score_is_the_weighted_sum_of_both_and_lies_between_0_and_1(
    assistant: Assistant,
) -> None:
    for finding in assistant.search("帮办企业退税").findings:
        hit = finding.hit
        assert hit.score == pytest.approx(
            DEFAULT_WEIGHTS.dense * hit.dense + (1 - DEFAULT_WEIGHTS.dense) * hit.lexical, abs=1e-6
        )
        assert 0 <= hit.score <= 1


def test_a_repeated_case_is_returned_once_as_its_original(titles) -> None:
    assert titles("帮办站") == ["2022 帮办代办", "2023 律师服务", "2022 退税快办"]


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("退税几天到账", ()),
        ("嘉定的退税和静安区的哪个快？嘉定呢？", ("嘉定区", "静安区")),
        ("靜安退稅", ("静安区",)),
        ("松江退税", ("松江区",)),
        ("空空如也的嘉定", ("嘉定区",)),
    ],
)
def test_the_districts_that_a_question_names_are_told_in_its_order(
    assistant: Assistant, question: str, named: tuple[str, ...]
) -> None:
    assert assistant.search(question).named == named
    assert assistant.search(question, filters=Filters(districts=("徐汇区",))).named == named


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


def test_every_citation_points_at_exactly_the_passage(assistant: Assistant, text: str) -> None:
    for finding in assistant.search("企业帮办退税", limit=50).findings:
        citation = finding.citation
        assert text[citation.start : citation.end] == finding.hit.passage.text
        assert citation.file.endswith("/甲市.txt")


def test_a_question_without_terms_still_ranks_by_vector(assistant: Assistant) -> None:
    assert len(assistant.search("？？？").findings) == 3


def test_the_best_sentence_is_the_one_nearest_to_the_question(indexed) -> None:
    text = "嘉定区\n\n企业到窗口办理事项。现场退税很快就办好。群众都说办得不错。"
    (finding,) = indexed(text).search("退税").findings
    assert finding.hit.sentence.of(text) == "现场退税很快就办好。"


@pytest.fixture
def index(tmp_path: Path, text: str, encoder) -> Path:
    """The four cases with one expansion, of the passage about lawyers."""
    (tmp_path / "甲市.txt").write_text(text, encoding="utf-8")
    start = text.index("法律服务团")
    line = {"start": start, "end": start + 10, "questions": ["打官司找谁"]}
    companion = tmp_path / "甲市.questions.jsonl"
    companion.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder, recipe=Recipe(expansions=True))
    return tmp_path / "index"


def test_a_passage_is_found_by_a_question_it_is_known_to_answer(
    index: Path, text: str, encoder
) -> None:
    first = open_version(current_version(index), encoder).search("打官司找谁").findings[0]
    assert first.citation.title == "律师服务"
    assert first.hit.expansion == pytest.approx(1.0)
    assert "打官司" not in first.hit.passage.text
    assert first.hit.passage.text == text[first.citation.start : first.citation.end]


def test_weights_lexicon_and_calibration_are_tuned_without_a_new_build(
    index: Path, encoder
) -> None:
    version = current_version(index)

    def first(question: str, tuning: Tuning) -> tuple[float, float, float, float]:
        findings = open_version(version, encoder, tuning).search(question)
        hit = findings.findings[0].hit
        return hit.score, hit.dense, hit.lexical, findings.confidence

    by_terms = first("静安退税", Tuning(replace(DEFAULT_WEIGHTS, dense=0.0, expansions=0.0)))
    by_vector = first("静安退税", Tuning(replace(DEFAULT_WEIGHTS, dense=1.0, expansions=0.0)))
    assert by_terms[0] == by_terms[2]
    assert by_vector[0] == by_vector[1]
    sure = replace(DEFAULT, intercept=50.0)
    assert first("静安退税", Tuning(calibration=sure))[3] == pytest.approx(1.0)


@pytest.mark.parametrize("weight", [0.25, 0.5])
def test_official_terms_count_in_proportion_to_their_weight(
    index: Path, encoder, weight: float
) -> None:
    lexicon = Lexicon({"拿回钱": ("到账",)})
    version = current_version(index)

    def lexical(tuning: Tuning) -> float:
        found = open_version(version, encoder, tuning).search("几时拿回钱").findings
        return next(f.hit.lexical for f in found if f.citation.title == "退税快办")

    none, full = (
        lexical(Tuning(replace(DEFAULT_WEIGHTS, lexicon=w), lexicon)) for w in (0.0, 0.75)
    )
    assert none == lexical(Tuning())
    found = lexical(Tuning(replace(DEFAULT_WEIGHTS, lexicon=weight), lexicon))
    assert found - none == pytest.approx((full - none) * weight / 0.75, rel=1e-4)
    assert full > none
