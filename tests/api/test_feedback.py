"""``POST /api/v1/feedback`` and ``casebook feedback``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import casebook
from api.app import create_app
from api.feedback_store import FeedbackStore, read_feedback
from rag.ask import Asker
from rag.assistant import Assistant

FEEDBACK = "/api/v1/feedback"
SAID: dict[str, Any] = {
    "query": "静安退税几天到账",
    "verdict": "not_useful",
    "reasons": ["wrong_place", "other"],
    "index_version": "v000003-1f0a9c2d7b",
    "passage_ids": ["cfa95eaca4f:30253-30584", "cfa95eaca4f-2:1-2"],
    "mode": "extractive",
    "comment": "打13812345678告诉我",
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def keeping(assistant: Assistant, state: Path) -> Iterator[TestClient]:
    """A service that keeps two rows a minute."""
    store = FeedbackStore(state, rows_a_minute=2)
    with TestClient(
        create_app(Asker(assistant), passages=6, encoder="none", feedback=store)
    ) as client:
        yield client
    store.close()


def test_feedback_is_kept_masked_and_acknowledged_without_a_word(
    keeping: TestClient, state: Path
) -> None:
    response = keeping.post(FEEDBACK, json=SAID)

    assert (response.status_code, response.content) == (204, b"")
    assert "content-type" not in response.headers
    listed = CliRunner().invoke(casebook.app, ["feedback", "--json", "--state", str(state)])
    assert listed.exit_code == 0
    (line,) = listed.stdout.splitlines()
    kept = json.loads(line)
    assert kept.pop("received_at").endswith("Z")
    assert kept == {"id": 1, **SAID, "comment": "打【电话】告诉我"}


def test_for_people_it_is_listed_in_words_that_cannot_steer_a_terminal(
    keeping: TestClient, state: Path
) -> None:
    keeping.post(FEEDBACK, json={**SAID, "query": "税\x1b[2J", "comment": "一\n二"})
    keeping.post(
        FEEDBACK,
        json={"query": "税", "verdict": "useful", "index_version": "v1", "mode": "search"},
    )

    listed = CliRunner().invoke(casebook.app, ["feedback"], env={"CASEBOOK_STATE": str(state)})

    lines = [line.partition(" ")[2] or line for line in listed.stdout.splitlines()]
    assert lines == ["没有用（出处不对、其他）：税 [2J", " 一 二", "有用：税"]


def test_where_nothing_was_kept_the_command_fails_with_words(state: Path) -> None:
    listed = CliRunner().invoke(casebook.app, ["feedback", "--state", str(state)])

    assert listed.exit_code == 1
    assert listed.stderr == (
        f"错误：{state / 'feedback.sqlite'} 不存在，还没有存过意见；"
        "若存在别处，请用 --state 指明那个文件夹\n"
    )


@pytest.mark.parametrize(
    ("more", "field", "message"),
    [
        ({"query": "税" * 501}, "query", "最多 500 个字，现有 501 个"),
        ({"query": " "}, "query", "是空的，请填写内容"),
        ({"verdict": "good"}, "verdict", "应为 'useful' 或 'not_useful'"),
        (
            {"reasons": ["ugly"]},
            "reasons[0]",
            "应为 'wrong_place', 'wrong_district', 'outdated', 'incomplete', 'off_topic' 或 'other'",
        ),
        ({"reasons": ["other"] * 7}, "reasons", "最多 6 项"),
        ({"index_version": "电话 13812345678"}, "index_version", "格式不对"),
        ({"passage_ids": ["13812345678"]}, "passage_ids[0]", "格式不对"),
        ({"passage_ids": ["cfa95eaca4f:1-2"] * 51}, "passage_ids", "最多 50 项"),
        ({"mode": "auto"}, "mode", "应为 'search', 'extractive' 或 'llm'"),
        ({"comment": "税" * 501}, "comment", "最多 500 个字，现有 501 个"),
        ({"comment": "\ud800"}, "comment", "含有不成对的代理码位（如 \\ud800），不是合法的文字"),
        ({"name": "张三"}, "name", "没有这个字段，请检查拼写"),
    ],
)
def test_what_is_no_feedback_is_refused_by_field(
    keeping: TestClient, state: Path, more: dict[str, object], field: str, message: str
) -> None:
    response = keeping.post(
        FEEDBACK,
        content=json.dumps({**SAID, **more}),
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 422
    assert response.json()["errors"] == [{"field": field, "message": message}]
    assert not state.exists()


def test_an_empty_comment_is_none_and_a_reason_given_twice_is_one(
    keeping: TestClient, state: Path
) -> None:
    said = {**SAID, "comment": " ", "reasons": ["other", "outdated", "other"]}
    assert keeping.post(FEEDBACK, json=said).status_code == 204

    (kept,) = read_feedback(state)
    assert (kept.feedback.comment, kept.feedback.reasons) == (None, ("other", "outdated"))


def test_a_row_too_many_is_turned_away_and_told_when_to_come_back(keeping: TestClient) -> None:
    answers = [keeping.post(FEEDBACK, json=SAID) for _ in range(3)]

    assert [one.status_code for one in answers] == [204, 204, 429]
    wait_s = int(answers[2].headers["retry-after"])
    assert 50 <= wait_s <= 60
    assert answers[2].json() == {
        "type": "/problems/too-much-feedback",
        "title": "意见太多",
        "status": 429,
        "detail": f"提交意见的人较多，请 {wait_s} 秒后重试。",
    }


def test_a_body_too_large_is_refused(keeping: TestClient) -> None:
    response = keeping.post(FEEDBACK, json={**SAID, "comment": "x" * 70_000})

    assert response.status_code == 413


def test_a_body_that_is_not_json_is_refused(keeping: TestClient) -> None:
    response = keeping.post(FEEDBACK, content="税", headers={"Content-Type": "text/plain"})

    assert response.status_code == 415


def test_without_a_folder_to_write_to_feedback_is_refused_and_searching_goes_on(
    assistant: Assistant, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    nowhere = FeedbackStore(tmp_path / "state")
    for store in (None, nowhere):
        client = TestClient(
            create_app(Asker(assistant), passages=6, encoder="none", feedback=store)
        )

        response = client.post(FEEDBACK, json=SAID)

        assert response.status_code == 503
        assert response.headers["retry-after"] == "60"
        assert response.json() == {
            "type": "/problems/feedback-unavailable",
            "title": "意见暂时存不下来",
            "status": 503,
            "detail": "意见没有存下，检索不受影响。"
            "请管理员检查 casebook serve --state 指定的文件夹能否写入。",
        }
        assert client.post("/api/v1/search", json={"query": "退税"}).status_code == 200
