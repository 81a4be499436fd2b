"""Questions in another script, in pinyin, and at great length are asked as the collection writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.build import build
from index.store import current_version, open_version
from rag.assistant import Assistant
from rag.confidence import Calibration
from rag.filters import Filters
from rag.signals import Signals
from rag.tuning import Tuning

TALK = "喂，你好，那个，我想跟您打听个事儿啊，" * 6


def test_traditional_script_and_width_find_the_same_with_the_same_scores(
    assistant: Assistant,
) -> None:
    plain, other = assistant.search("静安退税"), assistant.search("靜安退稅")
    assert [f.hit.score for f in other.findings] == [f.hit.score for f in plain.findings]
    assert other.confidence == plain.confidence


def test_a_case_in_traditional_script_is_found_by_simplified_words(indexed, text: str) -> None:
    traditional = text.replace("推出智能退税", "推出智能退稅").replace("三日到账", "三日到賬")
    first = indexed(traditional).search("退税到账").findings[0]
    assert first.hit.passage.text.endswith("企业三日到賬。")
    assert [span.of(first.hit.passage.text) for span in first.highlights][-1] == "到賬"


def test_a_word_in_pinyin_is_asked_as_the_collection_writes_it(assistant: Assistant) -> None:
    plain, typed = assistant.search("帮办站在哪"), assistant.search("bangbanzhan在哪")
    assert [f.hit.score for f in typed.findings] == [f.hit.score for f in plain.findings]
    assert typed.confidence == plain.confidence


def test_a_place_is_not_taken_for_one_that_sounds_alike(assistant: Assistant) -> None:
    # The collection says 大行 often enough; 大兴区 is no misspelling of it.
    assert assistant.search("我在大兴区想办退税").named == ("大兴区",)


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


@pytest.mark.parametrize("districts", [(), ("嘉定区",)])
def test_a_long_message_that_no_district_answers_is_not_for_want_of_a_district(
    tmp_path: Path, encoder, text: str, districts: tuple[str, ...]
) -> None:
    # A clause asks something if it fits one passage better than the others, of the district too.
    more = "\n\n排名3\n融资对接\n\n嘉定区设立融资窗口，银行驻点，退税凭证可作质押。\n"
    (tmp_path / "甲市.txt").write_text(text + more, encoding="utf-8")
    build([tmp_path / "甲市.txt"], tmp_path / "index", encoder)
    tuning = Tuning(calibration=Calibration(-4.0, Signals(0.0, 10.0), 0.2, 0.4, "手算"))
    assistant = open_version(current_version(tmp_path / "index"), encoder, tuning)
    asked, filters = "智能退税企业三日到账，", Filters(districts=districts)
    assert assistant.search(asked).reason is None
    found = assistant.search(f"{TALK}{asked}谢谢啊", filters=filters)
    assert found.reason == "not_in_collection"


def test_a_long_message_names_districts_in_clauses_that_ask_nothing_too(
    assistant: Assistant,
) -> None:
    message = f"我们公司开在嘉定，{TALK}智能退税企业三日到账，谢谢啊"
    assert assistant.search(message).named == ("嘉定区",)
