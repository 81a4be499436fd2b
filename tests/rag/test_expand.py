"""Passages -> drafts, with a real HTTP server as the language model."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rag.chat import ChatClient, ChatConfig
from rag.chunk import Cut
from rag.errors import CasebookError
from rag.expand import GIVE_UP, Pace, Plan, Run, expand, plan
from rag.expansions import ExpansionsError
from rag.pool import pausing
from rag.question_cache import QuestionCache
from rag.source import read


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def written(chat_service, tmp_path: Path, stop: threading.Event) -> Iterator[Callable[..., Run]]:
    """Run a plan with one job, unless told otherwise, and a cache that outlives the run."""
    chat = ChatClient(ChatConfig(chat_service.url, "qwen", retries=0), sleep=pausing(stop))
    one = Pace(1)

    def write(planned: Plan, pace: Pace = one, **more: object) -> Run:
        with QuestionCache(tmp_path / "answers.jsonl") as cache:
            return expand(planned, chat, cache, pace=pace, stop=stop, **more)

    yield write
    chat.close()


@pytest.fixture
def draft(collection: Path) -> Path:
    return collection / "某市.questions.draft.jsonl"


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_every_passage_gets_a_line_in_the_draft_beside_its_source(
    collection, encoder, chat_service, written, draft
) -> None:
    planned = plan(read([collection]), encoder)
    assert (planned.passages, len(planned.tasks)) == (3, 3)
    run = written(planned)
    assert run == Run((draft,), 3, 0, 18, (), 0, "done")
    text = (collection / "某市.txt").read_text(encoding="utf-8")
    assert [(line["start"], line["end"], line["quote"]) for line in lines(draft)] == [
        (task.passage.span.start, task.passage.span.end, task.passage.text[:12])
        for task in planned.tasks
    ]
    for line in lines(draft):
        begins = text[line["start"] : line["end"]][:6]
        assert line["questions"][0] == f"{begins}怎么办"
    assert len(chat_service.asked) == 3


def test_passages_are_cut_as_an_index_cuts_them(collection, make_encoder) -> None:
    reading = read([collection])
    assert plan(reading, make_encoder(), cut=Cut(20)).passages == 5
    assert plan(reading, make_encoder(max_tokens=20)).passages == 5


def test_progress_counts_what_is_asked(collection, encoder, written) -> None:
    seen: list[tuple[str, int, int]] = []
    written(plan(read([collection]), encoder), on_progress=lambda *at: seen.append(at))
    assert seen == [("写问法", 1, 3), ("写问法", 2, 3), ("写问法", 3, 3)]


def test_a_passage_that_has_questions_is_left_out(collection, encoder, draft) -> None:
    first, second, _ = plan(read([collection]), encoder).tasks
    companion = collection / "某市.questions.jsonl"
    line = {"start": first.passage.span.start, "end": first.passage.span.end, "questions": ["谁"]}
    companion.write_text(json.dumps(line), encoding="utf-8")
    drafted = {"start": second.passage.span.start, "end": second.passage.span.end}
    draft.write_text(json.dumps(drafted | {"questions": ["谁"]}), encoding="utf-8")
    reading = read([collection])
    assert len(plan(reading, encoder).tasks) == 1
    assert len(plan(reading, encoder, again=True).tasks) == 2  # what is drafted is in hand
    assert plan(reading, encoder).passages == 3


def test_passages_of_repeated_cases_are_left_out(tmp_path: Path, encoder) -> None:
    text = "静安区退税快办\n一、主要做法\n静安区税务局推出智能退税，三日到账。企业不再跑窗口。\n"
    for name in ("甲.txt", "乙.txt"):
        (tmp_path / name).write_text(text, encoding="utf-8")
    planned = plan(read([tmp_path]), encoder)
    assert [task.case.source.name for task in planned.tasks] == [f"{tmp_path.name}/乙.txt"]
    assert planned.passages == 1


def test_what_was_answered_is_never_asked_again(
    collection, encoder, chat_service, written, draft
) -> None:
    planned = plan(read([collection]), encoder)
    assert written(planned, Pace(1, limit=2)).left == 1
    assert len(lines(draft)) == 2
    draft.unlink()
    again = written(planned, Pace(1, limit=1))
    assert (again.written, again.cached, again.left) == (3, 2, 0)
    assert len(chat_service.asked) == 3
    assert len(lines(draft)) == 3


def test_an_edited_passage_is_asked_anew(collection, encoder, chat_service, written, draft) -> None:
    written(plan(read([collection]), encoder))
    draft.unlink()
    file = collection / "某市.txt"
    file.write_text(file.read_text(encoding="utf-8").replace("六千次", "七千次"), encoding="utf-8")
    assert written(plan(read([collection]), encoder)).cached == 2
    assert len(chat_service.asked) == 4


def test_another_model_is_asked_anew(collection, encoder, chat_service, written, tmp_path) -> None:
    planned = plan(read([collection]), encoder)
    written(planned)
    other = ChatClient(ChatConfig(chat_service.url, "glm"))
    with QuestionCache(tmp_path / "answers.jsonl") as cache:
        assert expand(planned, other, cache).cached == 0
    other.close()


def test_a_draft_keeps_what_its_editor_changed(collection, encoder, written, draft) -> None:
    planned = plan(read([collection]), encoder)
    written(planned, Pace(1, limit=1))
    (line,) = lines(draft)
    draft.write_text(json.dumps(line | {"questions": ["编者写的"]}), encoding="utf-8")
    written(plan(read([collection]), encoder))
    assert [len(line["questions"]) for line in lines(draft)] == [1, 6, 6]
    assert lines(draft)[0]["questions"] == ["编者写的"]


def test_a_passage_without_a_usable_answer_is_a_failure_and_holds_up_no_other(
    collection, encoder, chat_service, written, draft
) -> None:
    usual = chat_service.say
    chat_service.say = lambda asked: (
        "不会" if "帮办站" in asked or "不能用" in asked else usual(asked)
    )
    planned = plan(read([collection]), encoder)
    run = written(planned)
    assert (run.written, run.left, run.ended) == (2, 0, "done")
    (failure,) = run.failures
    assert failure.task == planned.tasks[2]
    assert failure.why.startswith("3 次回答都不能用，最后一次：不是字符串的 JSON 列表")
    assert len(lines(draft)) == 2
    chat_service.say = usual
    assert written(plan(read([collection]), encoder)).written == 1


def test_a_request_that_is_refused_is_a_failure_and_holds_up_no_other(
    collection, encoder, chat_service, written
) -> None:
    chat_service.answers = [400]
    run = written(plan(read([collection]), encoder))
    assert run.written == 2
    assert "返回 HTTP 400" in run.failures[0].why


def test_a_run_gives_up_after_failures_in_a_row(
    collection, encoder, chat_service, written, draft
) -> None:
    chat_service.answers = [500] * 4
    usual, asked = chat_service.say, []

    def say(text: str) -> str:
        asked.append(text)
        return usual(text) if len(asked) == 1 else "不会"

    chat_service.say = say
    planned = plan(read([collection]), encoder, cut=Cut(4))
    assert planned.passages > 2 * GIVE_UP + 1
    run = written(planned)
    assert (run.written, run.ended) == (1, "gave_up")
    # The one job counts before it asks again, however far behind whoever takes the answers is.
    assert len(run.failures) == 4 + GIVE_UP
    assert run.left == planned.passages - 1 - len(run.failures)
    assert len(lines(draft)) == 1


def test_nothing_is_asked_after_the_last_failure_even_if_nobody_took_the_others_yet(
    collection, encoder, chat_service, written
) -> None:
    chat_service.answers = [400] * 99

    def busy(_stage: str, done: int, _total: int) -> None:
        if done == 1:
            time.sleep(1)  # in which a job that nobody stops asks about many

    run = written(plan(read([collection]), encoder, cut=Cut(4)), on_progress=busy)
    assert len(chat_service.paths) == len(run.failures) == GIVE_UP


def test_jobs_side_by_side_finish_what_they_have_begun_when_a_run_gives_up(
    collection, encoder, chat_service, written
) -> None:
    chat_service.answers = [400] * 99
    run = written(plan(read([collection]), encoder, cut=Cut(4)), Pace(3))
    assert run.ended == "gave_up"
    assert GIVE_UP <= len(run.failures) <= GIVE_UP + 2  # one for each of the others


def test_a_run_that_is_stopped_keeps_what_was_asked(
    collection, encoder, chat_service, written, draft, stop
) -> None:
    usual = chat_service.say

    def say(asked: str) -> str:
        stop.set()  # while the first question is being answered
        return usual(asked)

    chat_service.say = say
    planned = plan(read([collection]), encoder)
    run = written(planned)
    assert (run.written, run.left, run.failures, run.ended) == (1, 2, (), "interrupted")
    assert len(lines(draft)) == 1
    stop.clear()
    chat_service.say = usual
    assert written(plan(read([collection]), encoder)).ended == "done"
    assert len(chat_service.asked) == 3
    assert len(lines(draft)) == 3


def test_a_run_that_is_stopped_with_nothing_left_is_done(
    collection, encoder, written, stop
) -> None:
    def last(_stage: str, done: int, total: int) -> None:
        if done == total:
            stop.set()

    run = written(plan(read([collection]), encoder), on_progress=last)
    assert (run.left, run.ended) == (0, "done")


def test_a_run_that_is_cut_short_leaves_a_valid_draft(collection, encoder, written, draft) -> None:
    def interrupt(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(plan(read([collection]), encoder), on_progress=interrupt)
    assert len(lines(draft)) == 2


def test_what_waits_to_ask_again_is_not_waited_for(
    collection, encoder, chat_service, tmp_path, stop
) -> None:
    chat_service.answers = [503]
    chat_service.headers = {"Retry-After": "60"}
    begun = pausing(stop)

    def sleep(seconds: float) -> None:
        stop.set()
        begun(seconds)

    chat = ChatClient(ChatConfig(chat_service.url, "qwen"), sleep=sleep)
    with QuestionCache(tmp_path / "answers.jsonl") as cache:
        run = expand(plan(read([collection]), encoder), chat, cache, pace=Pace(1), stop=stop)
    assert (run.written, run.failures, run.left) == (0, (), 3)
    chat.close()


def test_passages_are_asked_about_side_by_side(collection, encoder, chat_service, written) -> None:
    usual, together = chat_service.say, threading.Barrier(3, timeout=60)

    def say(asked: str) -> str:
        together.wait()  # passes only once three are being asked
        return usual(asked)

    chat_service.say = say
    assert written(plan(read([collection]), encoder), Pace(3)).written == 3


def test_passages_that_ask_the_same_are_asked_about_once(
    tmp_path: Path, encoder, chat_service, written
) -> None:
    folder = tmp_path / "案例"
    folder.mkdir()
    twice = "一、做法\n企业三日到账，不再跑窗口办理。\n二、成效\n退税企业两千户。\n"
    (folder / "a.txt").write_text(
        f"静安区退税快办\n{twice}一、做法\n企业三日到账，不再跑窗口办理。\n", encoding="utf-8"
    )
    planned = plan(read([folder]), encoder)
    run = written(planned)
    assert (run.written, run.questions) == (3, 18)
    assert len(chat_service.asked) == 2


def test_a_bad_draft_is_told_before_anything_is_asked(collection, encoder, draft) -> None:
    draft.write_text("{", encoding="utf-8")
    with pytest.raises(ExpansionsError, match=r"draft\.jsonl：第 1 行：不是 JSON"):
        plan(read([collection]), encoder)


def test_two_sources_with_one_draft_are_told_before_anything_is_asked(collection, encoder) -> None:
    (collection / "某市.md").write_text("静安区退税。", encoding="utf-8")
    with pytest.raises(CasebookError, match="有 2 个原文与它同名"):
        plan(read([collection]), encoder)
