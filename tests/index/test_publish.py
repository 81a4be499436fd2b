"""A version is published whole and proven, or the one in use stays."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from index.build import build
from index.canary import require_answers
from index.rollback import rollback
from index.store import open_version
from index.versions import VERSIONS, current_name, current_version, published
from rag.errors import CasebookError
from tests.programs import found_by

crashes = partial(found_by, "tests.crashes", timeout_s=500)


# Every step of every scenario, also without a power cut, is in tests/long.
@pytest.mark.parametrize("mode", ["power", "fault"])
def test_whatever_ends_a_writer_the_old_or_the_new_index_answers(tmp_path: Path, mode: str) -> None:
    report = crashes("steps", tmp_path, mode, 25, "first", "gc", "rollback")
    assert report["failures"] == []
    assert report["n"] >= 9


def test_a_disk_that_takes_no_more_leaves_the_old_index(tmp_path: Path) -> None:
    report = crashes("limits", tmp_path, 2500)
    assert report["failures"] == []
    assert report["n"] >= 4


def test_a_writer_killed_at_any_moment_leaves_what_was_acknowledged(tmp_path: Path) -> None:
    report = crashes("random", tmp_path, 30, 7)
    assert report["failures"] == []


def test_the_last_three_versions_are_kept(tmp_path: Path, collection: Path, encoder) -> None:
    index = tmp_path / "index"
    for _ in range(5):
        build([collection], index, encoder, force=True)
    assert [name[:7] for name in published(index)] == ["v000003", "v000004", "v000005"]
    assert current_name(index) == published(index)[-1]


def test_what_was_in_use_until_now_is_kept_too(tmp_path: Path, collection: Path, encoder) -> None:
    index = tmp_path / "index"
    for _ in range(3):
        build([collection], index, encoder, force=True)
    old = rollback(index, "v000001")
    build([collection], index, encoder, force=True)
    assert [name[:7] for name in published(index)] == ["v000001", "v000002", "v000003", "v000004"]
    open_version(old, encoder)
    build([collection], index, encoder, force=True)
    assert [name[:7] for name in published(index)] == ["v000003", "v000004", "v000005"]


def test_what_people_put_beside_the_versions_is_left_alone(tmp_path, collection, encoder) -> None:
    index = tmp_path / "index"
    build([collection], index, encoder)
    (index / VERSIONS / "v1-备份").mkdir()
    for _ in range(4):
        build([collection], index, encoder, force=True)
    assert (index / VERSIONS / "v1-备份").is_dir()


def test_what_a_dead_writer_left_is_swept(tmp_path: Path, collection: Path, encoder) -> None:
    index = tmp_path / "index"
    build([collection], index, encoder)
    for name in (".build", ".trash-0123"):
        (index / VERSIONS / name / "questions").mkdir(parents=True)
        (index / VERSIONS / name / "questions" / "stray.json").write_text("{")
    version = build([collection], index, encoder, force=True).version
    assert sorted(path.name for path in (index / VERSIONS).iterdir()) == published(index)
    assert not (version.folder / "questions").exists()


def test_builds_at_the_same_time_publish_one_after_the_other(tmp_path, collection, encoder) -> None:
    index = tmp_path / "index"
    with ThreadPoolExecutor(4) as pool:
        reports = list(
            pool.map(lambda _: build([collection], index, encoder, force=True), range(12))
        )

    names = sorted(report.version.name for report in reports)
    assert [name[:7] for name in names] == [f"v{number:06d}" for number in range(1, 13)]
    assert current_name(index) == names[-1]
    open_version(current_version(index), encoder)


def many_cases(folder: Path) -> Path:
    """Ten cases that only their vectors tell apart."""
    folder.mkdir()
    lines = [
        f"排名{n}\n退帮{n}\n{'退' * n}{'帮' * (11 - n)}{'企' * (n * n % 7)}。" for n in range(1, 11)
    ]
    (folder / "多.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_an_index_that_does_not_answer_is_not_published(
    tmp_path: Path, encoder, monkeypatch
) -> None:
    index, cases = tmp_path / "index", many_cases(tmp_path / "cases")
    before = build([cases], index, encoder).version
    monkeypatch.setattr("index.canary._found", lambda *_: False)

    with pytest.raises(CasebookError) as caught:
        build([cases], index, encoder, force=True)

    assert str(caught.value).startswith(
        "新建的索引没有通过试查：8 个已知出处的问题有 8 个没有查到原文，如“"
    )
    assert "没有启用它，原有索引不变" in str(caught.value)
    assert "casebook model prepare counting-退税帮办企业" in str(caught.value)
    assert current_version(index) == before
    assert published(index) == [before.name]
    assert [path.name for path in (index / VERSIONS).iterdir()] == [before.name]


def test_a_version_is_asked_from_the_disk_before_it_has_a_name(
    tmp_path, collection, encoder, monkeypatch
) -> None:
    index = tmp_path / "index"
    build([collection], index, encoder)
    asked: list[tuple[str, list[str], str]] = []

    def spy(version, encoder) -> None:
        asked.append((version.folder.name, published(index), current_name(index)))
        require_answers(version, encoder)
        (version.folder / "cases.jsonl").write_bytes(b"")
        require_answers(version, encoder)

    monkeypatch.setattr("index.build.require_answers", spy)
    with pytest.raises(CasebookError, match=r"cases\.jsonl 有 0 字节"):
        build([collection], index, encoder, force=True)
    assert asked == [(".build", [current_name(index)], current_name(index))]


def test_without_room_nothing_is_written(tmp_path, collection, encoder, monkeypatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=64 * 2**20))
    with pytest.raises(CasebookError, match="什么也没有写入") as caught:
        build([collection], tmp_path / "index", encoder)
    assert str(caught.value).startswith(
        f"{tmp_path} 所在的磁盘只剩 64 MB，建立这个索引需要 64 MB（"
    )
    assert not (tmp_path / "index").exists()
    assert encoder.encoded == []
