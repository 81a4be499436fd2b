"""What protects an index, taken away piece by piece: each time something must go wrong."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.programs import found_by

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
INDEX = "tests/index"


@pytest.mark.parametrize(
    ("scenario", "guard"),
    [
        ("rebuild", "os:fsync"),
        ("rebuild", "index.publish:sync_folder"),
        ("rebuild", "index.durable:sync_folder"),
        ("gc", "index.retire:sync_folder"),
    ],
)
def test_a_power_cut_does_harm_without_a_sync(tmp_path: Path, scenario: str, guard: str) -> None:
    arguments = ("steps", tmp_path, "power", 4, scenario, guard)
    assert found_by("tests.crashes", *arguments, timeout_s=800)["failures"] != []


REMOVED: dict[str, tuple[str, Any, str]] = {
    "digest of files": (
        "index.versions._require",
        lambda *_: None,
        f"{INDEX}/test_store.py::test_every_kind_of_damage_at_every_place_is_found",
    ),
    "lock": (
        "index.publish.writing",
        lambda *_: nullcontext(),
        f"{INDEX}/test_publish.py::test_builds_at_the_same_time_publish_one_after_the_other",
    ),
    "canary": (
        "index.build.require_answers",
        lambda *_: None,
        f"{INDEX}/test_publish.py::test_an_index_that_does_not_answer_is_not_published",
    ),
    "preflight": (
        "index.build.require_room",
        lambda *_: None,
        f"{INDEX}/test_publish.py::test_without_room_nothing_is_written",
    ),
    "what was in use is kept": (
        "index.publish._in_use",
        lambda _: (),
        f"{INDEX}/test_publish.py::test_what_was_in_use_until_now_is_kept_too",
    ),
    "fallback": (
        "index.store.published",
        lambda _: [],
        (
            f"{INDEX}/test_store.py::"
            "test_where_the_current_version_is_damaged_the_newest_sound_one_answers_and_says_so"
        ),
    ),
    "versions verified before going back": (
        "index.rollback.damaged_files",
        lambda _: {},
        (
            f"{INDEX}/test_rollback.py::"
            "test_a_damaged_version_is_passed_over_and_refused_where_it_is_named"
        ),
    ),
    "leftovers swept": (
        "index.publish.sweep",
        lambda _: None,
        f"{INDEX}/test_publish.py::test_what_a_dead_writer_left_is_swept",
    ),
}


@pytest.mark.parametrize("guard", REMOVED)
def test_its_test_fails_without_a_guard(guard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, nothing, test = REMOVED[guard]
    monkeypatch.setattr(name, nothing)
    monkeypatch.chdir(ROOT)
    # In this process, where the guard is gone.
    code = pytest.main(["-q", "-p", "no:cacheprovider", test])
    assert code == pytest.ExitCode.TESTS_FAILED
