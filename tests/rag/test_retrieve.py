"""Fusion, filters, duplicates and ties, over rankers one can compute by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from index.build import build
from index.recipe import Recipe
from index.store import current_version, open_version
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.confidence import DEFAULT, Calibration
from rag.filters import Filters
from rag.lexicon import Lexicon
from rag.ranking import Expansions, Legs, Mask, Rankers, Rows, Scores
from rag.retrieve import HybridRetriever, Retrieval
from rag.signals import Signals
from rag.source import decode
from rag.tuning import DEFAULT_WEIGHTS, Tuning, Weights

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
            DEFAULT_WEIGHTS.dense * hit.dense + (1 - DEFAULT_WEIGHTS.dense) * hit.lexical, abs=1e-6
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


def test_a_long_message_names_districts_in_clauses_that_ask_nothing_too(
    assistant: Assistant,
) -> None:
    message = f"我们公司开在嘉定，{TALK}智能退税企业三日到账，谢谢啊"
    assert assistant.search(message).named == ("嘉定区",)


def test_a_place_is_not_taken_for_one_that_sounds_alike(assistant: Assistant) -> None:
    # The collection says 大行 often enough; 大兴区 is no misspelling of it.
    assert assistant.search("我在大兴区想办退税").named == ("大兴区",)


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


@dataclass(frozen=True)
class Fixed:
    """A ranker whose scores are written down; what scores 0 is not put forward."""

    values: tuple[float, ...]

    def match(self, query: object) -> Fixed:
        return self

    def best(self, *, limit: int, allowed: Mask) -> Rows:
        scores = np.where(allowed, self.values, 0)
        order = np.argsort(-scores, kind="stable")[:limit]
        return order[scores[order] > 0]

    def scores(self, rows: Rows) -> Scores:
        return np.array(self.values, dtype=np.float32)[rows]

    def sentences(self, rows: Rows) -> Rows:
        return np.zeros(len(rows), dtype=np.int64)


def legs(dense: tuple[float, ...], lexical: tuple[float, ...]) -> Legs:
    return Legs(Fixed(dense), Fixed(lexical))


def ranked(
    encoder, rankers: Rankers, weights: Weights = DEFAULT_WEIGHTS, **filters: object
) -> tuple[Retrieval, dict[str, tuple[float, float, float, float]]]:
    """Retrieve from the four passages of `TEXT`; give score and parts by title and year."""
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = [passage for case in cases for passage in passages_of(case, len)]
    assert len(passages) == 4
    named = {case.case_id: f"{case.year} {case.title}" for case in cases}
    retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(weights))
    found = retriever.retrieve("退税", limit=10, filters=Filters(**filters))  # type: ignore[arg-type]
    return found, {
        named[h.passage.case_id]: (h.score, h.dense, h.lexical, h.expansion) for h in found.hits
    }


TAX, HELP, LAW = "2022 退税快办", "2022 帮办代办", "2023 律师服务"


def test_expansions_have_their_share_where_a_passage_has_any(encoder) -> None:
    present = np.array([True, False, False, False])
    rankers = Rankers(
        legs((0.5, 0.4, 0, 0), (0.2, 0.6, 0, 0)),
        Expansions(legs((1.0, 0, 0, 0), (0.8, 0, 0, 0)), present),
    )
    _, parts = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, dense=0.5, expansions=0.25))
    dense, lexical = 0.75 * 0.5 + 0.25 * 1.0, 0.75 * 0.2 + 0.25 * 0.8
    assert parts[TAX] == pytest.approx((0.5 * dense + 0.5 * lexical, 0.5, 0.2, 1.0))
    assert parts[HELP] == pytest.approx((0.5, 0.4, 0.6, 0.0))


def test_a_passage_that_only_its_expansions_find_is_found(encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    present = np.array([False, False, False, True])
    share = DEFAULT_WEIGHTS.expansions * 0.5
    for known, signals in (
        (legs((0, 0, 0, 0.5), nothing), Signals(0, 0, known=1)),
        (legs((0, 0, 0, 0.5), (0, 0, 0, 0.5)), Signals(share, share, known=1)),
        (legs(nothing, (0, 0, 0, 0.5)), Signals(0, share, known=1)),
    ):
        found, parts = ranked(encoder, Rankers(legs(nothing, nothing), Expansions(known, present)))
        assert list(parts) == [LAW]
        assert found.signals is not None
        assert found.signals.values == pytest.approx(signals.values)
        assert found.confidence == pytest.approx(DEFAULT.confidence(signals), abs=1e-5)


def test_expansions_of_a_case_that_is_filtered_out_bring_nothing(encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    known = Expansions(legs((0.9, 0, 0, 0.5), nothing), np.array([True, False, False, True]))
    _, parts = ranked(encoder, Rankers(legs(nothing, nothing), known), years=(2023,))
    assert list(parts) == [LAW]


def test_without_a_share_expansions_change_no_score(encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    known = Expansions(legs((1, 1, 1, 1), (1, 1, 1, 1)), np.ones(4, dtype=bool))
    weights = replace(DEFAULT_WEIGHTS, expansions=0.0)
    _, without = ranked(encoder, Rankers(text), weights)
    _, with_ = ranked(encoder, Rankers(text, known), weights)
    assert {name: part[0] for name, part in with_.items()} == pytest.approx(
        {name: part[0] for name, part in without.items()}
    )
    assert {part[3] for part in without.values()} == {0.0}


def test_expansions_alone_rank_where_theirs_is_the_whole_share(encoder) -> None:
    text = legs((0.9, 0.1, 0, 0.1), (0.9, 0.1, 0, 0.1))
    known = Expansions(legs((0.2, 0.8, 0, 0.5), (0.2, 0.8, 0, 0.5)), np.ones(4, dtype=bool))
    _, parts = ranked(encoder, Rankers(text, known), replace(DEFAULT_WEIGHTS, expansions=1.0))
    assert [(name, part[0]) for name, part in parts.items()] == [
        (HELP, pytest.approx(0.8)),
        (LAW, pytest.approx(0.5)),
        (TAX, pytest.approx(0.2)),
    ]


def test_confidence_is_that_of_the_first_passages_text_and_expansions_together(encoder) -> None:
    text = legs((0.3, 0, 0, 0), (0.1, 0, 0, 0))
    known = Expansions(legs((1, 0, 0, 0), (1, 0, 0, 0)), np.array([True, False, False, False]))
    for rankers, signals in (
        (Rankers(text), Signals(0.3, 0.1)),
        (Rankers(text, known), Signals(0.3 + 0.25 * 0.7, 0.1 + 0.25 * 0.9, known=1)),
    ):
        found, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, expansions=0.25))
        assert found.confidence == pytest.approx(DEFAULT.confidence(signals), abs=1e-5)
        assert found.reason == DEFAULT.reason(signals)


def test_vectors_of_what_shares_no_term_say_nothing_unless_vectors_are_all_there_is(
    encoder,
) -> None:
    rankers = Rankers(legs((0.9, 0, 0, 0), (0.0, 0, 0, 0)))
    both, _ = ranked(encoder, rankers)
    alone, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, dense=1.0))
    assert both.signals == Signals(0.0, 0.0)
    assert both.reason == "not_in_collection"
    assert alone.signals is not None
    assert alone.signals.values == pytest.approx((0.9, 0, 0, 0, 0))
    assert alone.reason is None


SURE = Calibration(-4.0, Signals(20.0, 0.0, elsewhere=-20.0), 0.2, 0.4, "手算")


@pytest.mark.parametrize(
    ("question", "districts", "reason"),
    [
        ("退税几天到账", (), None),
        ("静安退税几天到账", (), None),
        ("嘉定退税几天到账", (), "not_in_district"),
        ("松江退税几天到账", (), "not_in_district"),
        ("退税几天到账", ("嘉定区",), "not_in_district"),
        ("嘉定退税几天到账", ("嘉定区",), "not_in_district"),
        ("退税几天到账", ("静安区",), None),
        ("退税几天到账", ("松江区",), "not_in_district"),
    ],
)
def test_what_another_district_would_answer_is_not_in_this_one(
    encoder, question: str, districts: tuple[str, ...], reason: str | None
) -> None:
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = [passage for case in cases for passage in passages_of(case, len)]
    rankers = Rankers(legs((0.5, 0.1, 0, 0.1), (0.5, 0.1, 0, 0.1)))
    retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(calibration=SURE))
    found = retriever.retrieve(question, limit=5, filters=Filters(districts=districts))
    assert found.reason == reason
    assert bool(found.hits) == (districts != ("松江区",))


def test_what_no_district_answers_is_not_for_want_of_a_district(encoder) -> None:
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = [passage for case in cases for passage in passages_of(case, len)]
    rankers = Rankers(legs((0.1, 0.05, 0, 0), (0.1, 0.1, 0, 0)))
    retriever = HybridRetriever(cases, passages, encoder, rankers, Tuning(calibration=SURE))
    for districts in ((), ("嘉定区",)):
        filters = Filters(districts=districts)
        found = retriever.retrieve("嘉定怎么养猫", limit=5, filters=filters)
        assert found.reason == "not_in_collection"


@pytest.mark.parametrize("districts", [(), ("嘉定区",)])
def test_a_long_message_that_no_district_answers_is_not_for_want_of_a_district(
    tmp_path: Path, encoder, districts: tuple[str, ...]
) -> None:
    # A clause asks something if it fits one passage better than the others, of the district too.
    more = "\n\n排名3\n融资对接\n\n嘉定区设立融资窗口，银行驻点，退税凭证可作质押。\n"
    (tmp_path / "甲市.txt").write_text(TEXT + more, encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder)
    tuning = Tuning(calibration=Calibration(-4.0, Signals(0.0, 10.0), 0.2, 0.4, "手算"))
    assistant = open_version(current_version(tmp_path / "index"), encoder, tuning)
    asked, filters = "智能退税企业三日到账，", Filters(districts=districts)
    assert assistant.search(asked).reason is None
    found = assistant.search(f"{TALK}{asked}谢谢啊", filters=filters)
    assert found.reason == "not_in_collection"


class Late:
    """Gives every passage a fixed score, and remembers which it was asked for."""

    def __init__(self, values: tuple[float, ...]) -> None:
        self.values = np.array(values, dtype=np.float32)
        self.asked: list[int] = []

    def scores(self, tokens: Scores, rows: Rows) -> Scores:
        assert len(tokens) == len("退税")
        self.asked.extend(rows.tolist())
        return np.asarray(self.values[rows])


def test_late_interaction_has_its_share(token_encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    found, parts = ranked(
        token_encoder,
        Rankers(text, late=Late((1.0, 0.1, 0, 0))),
        replace(DEFAULT_WEIGHTS, dense=0.5, late=0.4),
    )
    assert [(name, part[0]) for name, part in parts.items()] == [
        (TAX, pytest.approx(0.6 * 0.35 + 0.4 * 1.0)),
        (HELP, pytest.approx(0.6 * 0.5 + 0.4 * 0.1)),
        (LAW, pytest.approx(0.6 * 0.05)),
    ]
    assert [hit.late for hit in found.hits] == pytest.approx([1.0, 0.1, 0.0])


def test_late_interaction_reads_only_the_first_and_the_rest_stay_behind(
    token_encoder, monkeypatch
) -> None:
    monkeypatch.setattr("rag.scoring.RESCORED", 2)
    late = Late((0.0, 0.0, 0.0, 1.0))
    text = legs((0.5, 0.4, 0, 0.3), (0.5, 0.4, 0, 0.3))
    found, parts = ranked(
        token_encoder, Rankers(text, late=late), replace(DEFAULT_WEIGHTS, dense=0.5, late=0.5)
    )
    assert list(parts) == [TAX, HELP, LAW]
    assert sorted(late.asked) == [0, 1]
    assert [hit.late for hit in found.hits] == [0.0, 0.0, 0.0]


def test_an_encoder_without_tokens_cannot_be_asked_for_late_interaction(encoder) -> None:
    text = legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0))
    with pytest.raises(ValueError, match="late interaction needs the tokens of a question"):
        ranked(encoder, Rankers(text, late=Late((0.0,) * 4)))


def test_without_a_share_no_tokens_are_asked_for(encoder) -> None:
    late = Late((1.0, 1.0, 1.0, 1.0))
    rankers = Rankers(legs((0.5, 0.4, 0, 0.1), (0.2, 0.6, 0, 0)), late=late)
    found, _ = ranked(encoder, rankers, replace(DEFAULT_WEIGHTS, late=0.0))
    assert [hit.late for hit in found.hits] == [0.0, 0.0, 0.0]
    assert late.asked == []


def test_what_no_ranker_finds_is_not_in_the_collection(encoder) -> None:
    nothing = (0.0, 0.0, 0.0, 0.0)
    found, _ = ranked(encoder, Rankers(legs(nothing, nothing)))
    assert found == Retrieval((), 0.0, "not_in_collection")


def test_the_districts_are_told_where_no_ranker_finds_anything(encoder) -> None:
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = [passage for case in cases for passage in passages_of(case, len)]
    nothing = (0.0, 0.0, 0.0, 0.0)
    retriever = HybridRetriever(cases, passages, encoder, Rankers(legs(nothing, nothing)))
    found = retriever.retrieve("嘉定退税", limit=5)
    assert found == Retrieval((), 0.0, "not_in_collection", named=("嘉定区",))


@pytest.fixture
def index(tmp_path: Path, encoder) -> Path:
    """`TEXT` with one expansion, of the passage about lawyers."""
    (tmp_path / "甲市.txt").write_text(TEXT, encoding="utf-8")
    start = TEXT.index("法律服务团")
    line = {"start": start, "end": start + 10, "questions": ["打官司找谁"]}
    companion = tmp_path / "甲市.questions.jsonl"
    companion.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder, recipe=Recipe(expansions=True))
    return tmp_path / "index"


def test_a_passage_is_found_by_a_question_it_is_known_to_answer(index: Path, encoder) -> None:
    first = opened(index, encoder).search("打官司找谁").findings[0]
    assert first.citation.title == "律师服务"
    assert first.hit.expansion == pytest.approx(1.0)
    assert "打官司" not in first.hit.passage.text
    assert first.hit.passage.text == TEXT[first.citation.start : first.citation.end]


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


def test_traditional_script_and_width_find_the_same_with_the_same_scores(
    assistant: Assistant,
) -> None:
    plain, other = assistant.search("静安退税"), assistant.search("靜安退稅")
    assert [f.hit.score for f in other.findings] == [f.hit.score for f in plain.findings]
    assert other.confidence == plain.confidence


def test_a_case_in_traditional_script_is_found_by_simplified_words(tmp_path: Path, encoder) -> None:
    text = TEXT.replace("推出智能退税", "推出智能退稅").replace("三日到账", "三日到賬")
    (tmp_path / "甲市.txt").write_text(text, encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder)
    first = opened(tmp_path / "index", encoder).search("退税到账").findings[0]
    assert first.hit.passage.text.endswith("企业三日到賬。")
    assert [span.of(first.hit.passage.text) for span in first.highlights][-1] == "到賬"


def test_a_word_in_pinyin_is_asked_as_the_collection_writes_it(assistant: Assistant) -> None:
    plain, typed = assistant.search("帮办站在哪"), assistant.search("bangbanzhan在哪")
    assert [f.hit.score for f in typed.findings] == [f.hit.score for f in plain.findings]
    assert typed.confidence == plain.confidence


TALK = "喂，你好，那个，我想跟您打听个事儿啊，" * 6


def test_a_long_message_is_ranked_by_what_it_asks(assistant: Assistant) -> None:
    plain = assistant.search("静安区智能退税企业三日到账")
    long = assistant.search(f"{TALK}静安区智能退税企业三日到账，谢谢啊")
    assert [f.hit.score for f in long.findings] == pytest.approx(
        [f.hit.score for f in assistant.search("静安区智能退税企业三日到账，").findings]
    )
    assert long.findings[0].hit.passage == plain.findings[0].hit.passage


def test_a_long_message_is_never_surer_in_parts_than_as_a_whole(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = f"{TALK}静安区智能退税企业三日到账，谢谢啊"
    found = assistant.search(message)
    monkeypatch.setattr("rag.retrieve.LONG", len(message))
    whole = assistant.search(message)
    assert found.confidence == whole.confidence
    assert found.findings[0].hit.score > whole.findings[0].hit.score
