"""A file of state: migrated whole, checked, backed up while it is written, erased without a trace."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from api.feedback_store import SCHEMA, Feedback, FeedbackStore, read_feedback
from api.state import SCHEMAS
from api.state_file import Schema, StateFile, back_up, check, reading
from rag.errors import StateUnavailableError

ROOT = Path(__file__).parents[2]
SAID = Feedback("静安退税", "useful", (), "v1", ("c:1-2",), "search", None)
OLD = [
    ("2022-03-15T12:00:00Z", "沪A12345退税几天", "useful", "[]", "v1", '["c:1-2"]', "search", None),
    ("2022-03-16T12:00:00Z", "税", "not_useful", '["other"]', "v1", "[]", "llm", "护照E12345678"),
]


def keep_old(folder: Path) -> None:
    """Make a file of version 1, as it was written then."""
    with closing(sqlite3.connect(folder / "feedback.sqlite")) as database:
        database.executescript("""
            CREATE TABLE feedback (
                id INTEGER PRIMARY KEY,
                received_at TEXT NOT NULL,
                query TEXT NOT NULL,
                verdict TEXT NOT NULL CHECK (verdict IN ('useful', 'not_useful')),
                reasons TEXT NOT NULL,
                index_version TEXT NOT NULL,
                passage_ids TEXT NOT NULL,
                mode TEXT NOT NULL CHECK (mode IN ('search', 'extractive', 'llm')),
                comment TEXT
            );
            CREATE INDEX feedback_by_time ON feedback (received_at);
            PRAGMA user_version = 1;
        """)
        database.executemany(
            "INSERT INTO feedback VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
            OLD,
        )
        database.commit()


def test_a_file_of_version_1_is_read_as_it_is(tmp_path: Path) -> None:
    keep_old(tmp_path)
    before = (tmp_path / "feedback.sqlite").read_bytes()

    assert [one.feedback.query for one in read_feedback(tmp_path)] == ["沪A12345退税几天", "税"]
    assert check(tmp_path, SCHEMA) == 2
    assert (tmp_path / "feedback.sqlite").read_bytes() == before


def test_taken_over_a_file_of_version_1_keeps_its_rows_and_masks_what_was_not(
    tmp_path: Path,
) -> None:
    keep_old(tmp_path)
    store = FeedbackStore(tmp_path)
    store.open()

    with closing(sqlite3.connect(tmp_path / "feedback.sqlite")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (2,)
        rows = database.execute("SELECT * FROM feedback").fetchall()
    assert rows == [
        (1, OLD[0][0], "【车牌号】退税几天", *OLD[0][2:]),
        (2, *OLD[1][:-1], "护照【证件号】"),
    ]
    for file in tmp_path.iterdir():
        assert "沪A12345".encode() not in file.read_bytes()
        assert b"E12345678" not in file.read_bytes()
    store.close()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    first = ("CREATE TABLE thing (a TEXT)",)
    StateFile(tmp_path, Schema("things", "东西", "thing", (first,))).open()
    failing = ("ALTER TABLE thing ADD b TEXT", "INSERT INTO nowhere VALUES (1)")
    file = StateFile(tmp_path, Schema("things", "东西", "thing", (first, failing)))

    with pytest.raises(StateUnavailableError, match="no such table: nowhere"):
        file.open()

    with closing(sqlite3.connect(tmp_path / "things")) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert [row[1] for row in database.execute("PRAGMA table_info(thing)")] == ["a"]


def test_several_that_take_over_a_file_at_once_do_it_once(tmp_path: Path) -> None:
    keep_old(tmp_path)
    script = (
        "import sys; from pathlib import Path; from api.feedback_store import FeedbackStore\n"
        "FeedbackStore(Path(sys.argv[1])).open(); print('opened')"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(4)
    ]
    assert [one.communicate(timeout=60)[0] for one in started] == ["opened\n"] * 4
    assert len(read_feedback(tmp_path)) == 2


def test_a_file_that_another_program_is_writing_without_a_log_is_waited_for(tmp_path: Path) -> None:
    keep_old(tmp_path)  # without a log ahead, as backups are
    other = sqlite3.connect(
        tmp_path / "feedback.sqlite", isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    ending = threading.Timer(0.3, other.execute, ["COMMIT"])
    ending.start()
    store = FeedbackStore(tmp_path)
    store.add(SAID)
    ending.join()
    other.close()
    store.close()
    assert len(read_feedback(tmp_path)) == 3


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.file)
def test_every_file_is_durable_erases_and_belongs_to_its_owner(
    schema: Schema, tmp_path: Path
) -> None:
    file = StateFile(tmp_path / "state", schema)
    with file.transaction() as database:
        pragmas = {
            name: database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "user_version")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "secure_delete": 1,
        "user_version": schema.version,
    }
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    for one in (tmp_path / "state").iterdir():
        assert one.stat().st_mode & 0o777 == 0o600, one
    file.close()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.file)
def test_a_later_version_is_refused_and_left_alone(schema: Schema, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / schema.file)) as database:
        database.execute(f"PRAGMA user_version = {schema.version + 1}")
    before = (tmp_path / schema.file).read_bytes()
    expected = f"的格式是 {schema.version + 1}，本版本只认 1 至 {schema.version}；请升级 Casebook"

    with pytest.raises(StateUnavailableError, match=expected):
        StateFile(tmp_path, schema).open()
    with pytest.raises(StateUnavailableError, match=expected):
        check(tmp_path, schema)
    with pytest.raises(StateUnavailableError, match=expected):
        back_up(tmp_path, tmp_path / "copy", [schema])
    assert not (tmp_path / "copy").exists()
    with closing(sqlite3.connect(tmp_path / schema.file)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (schema.version + 1,)
        assert database.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert len(before) == (tmp_path / schema.file).stat().st_size


def test_damage_inside_a_file_is_found_at_the_start(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    for _ in range(3):
        store.add(SAID)
    store.close()
    file = tmp_path / "feedback.sqlite"
    content = bytearray(file.read_bytes())
    content[4096 + 8 : 4096 + 200] = b"\xff" * 192  # the page under the table's root
    file.write_bytes(content)

    with pytest.raises(StateUnavailableError, match=r"feedback\.sqlite 已损坏（.*用备份恢复"):
        FeedbackStore(tmp_path).open()
    with pytest.raises(StateUnavailableError, match=r"feedback\.sqlite 已损坏（.*用备份恢复"):
        check(tmp_path, SCHEMA)


def test_a_file_that_was_made_and_not_filled_says_so(tmp_path: Path) -> None:
    (tmp_path / "feedback.sqlite").touch()

    with (
        pytest.raises(StateUnavailableError, match="是空的，还没有存过意见"),
        reading(tmp_path, SCHEMA),
    ):
        pass


def test_a_backup_made_while_it_is_written_is_sound_and_can_be_restored(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "state", rows_a_minute=10**6)
    store.add(SAID)
    done = threading.Event()
    acknowledged = []

    def write() -> None:
        while not done.is_set():
            store.add(SAID)
            acknowledged.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    for number in range(5):
        at_least = 1 + len(acknowledged)
        (copy,) = back_up(tmp_path / "state", tmp_path / f"backup-{number}", SCHEMAS)
        counts.append((at_least, check(copy.parent, SCHEMA)))
        assert [one.name for one in copy.parent.iterdir()] == ["feedback.sqlite"]
    done.set()
    writer.join()
    store.close()

    assert all(at_least <= copied <= 2 + len(acknowledged) for at_least, copied in counts)
    restored = tmp_path / "backup-4"
    before = read_feedback(restored)
    again = FeedbackStore(restored)
    again.add(SAID)
    assert read_feedback(restored)[:-1] == before
    again.close()


def test_a_backup_is_whole_or_is_not_there(tmp_path: Path) -> None:
    keep_old(tmp_path)
    (tmp_path / "queries.sqlite").write_bytes(b"no database at all, and long enough" * 40)
    (tmp_path / "taken").mkdir()

    with pytest.raises(StateUnavailableError, match=r"queries\.sqlite 已损坏"):
        back_up(tmp_path, tmp_path / "copy", SCHEMAS)
    with pytest.raises(StateUnavailableError, match=r"taken 已经存在；请为这次备份另起一个文件夹"):
        back_up(tmp_path, tmp_path / "taken", SCHEMAS)
    with pytest.raises(StateUnavailableError, match=r"taken 里没有可备份的文件"):
        back_up(tmp_path / "taken", tmp_path / "copy", SCHEMAS)
    left = {one.name for one in tmp_path.iterdir()}
    assert {name for name in left if not re.search(r"-(wal|shm)$", name)} == {
        "feedback.sqlite",
        "queries.sqlite",
        "taken",
    }


def test_what_is_erased_is_in_no_file_any_more(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path)
    store.add(Feedback("张三三的退税" * 40, "useful", (), "v1", (), "search", None))
    store.add(SAID)
    file = StateFile(tmp_path, SCHEMA)

    assert file.erase("instr(query, ?)", ["张三三"]) == 1

    assert [one.feedback.query for one in read_feedback(tmp_path)] == [SAID.query]
    for one in tmp_path.iterdir():
        assert "张三三".encode() not in one.read_bytes()
    file.close()
    store.close()


def test_erasing_while_somebody_reads_tells_that_pages_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.state_file._BUSY_S", 0.05)
    store = FeedbackStore(tmp_path)
    store.add(SAID)
    store.close()
    file = StateFile(tmp_path, SCHEMA)
    with reading(tmp_path, SCHEMA) as database:
        database.execute("BEGIN")
        database.execute("SELECT * FROM feedback").fetchone()
        with pytest.raises(StateUnavailableError, match=r"删除 1 条，但别的程序正在读"):
            file.erase("id = ?", [1])
    assert file.erase("id = ?", [1]) == 0
    file.close()


@pytest.fixture
def in_memory() -> Iterator[Path]:
    """A folder where syncing is quick, if there is one: a killed process leaves its writes in either."""
    there = Path("/dev/shm")  # noqa: S108 - made and removed below
    with tempfile.TemporaryDirectory(dir=there if there.is_dir() else None) as folder:
        yield Path(folder)


def hardship(*arguments: object) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("state_hardship.py")), *map(str, arguments)],
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    return dict(json.loads(done.stdout))


def test_every_acknowledged_row_survives_kills_at_random_moments(in_memory: Path) -> None:
    found = hardship("kill", in_memory, 50, 20221122)

    assert (found["n"], found["missing"], found["faults"]) == (50, [], [])
    assert int(str(found["acknowledged"])) > 50


def test_a_full_disk_is_told_in_words_and_loses_nothing_acknowledged(in_memory: Path) -> None:
    found = hardship("fill", in_memory, 20_000, 240_000)

    assert (found["n"], found["missing"], found["faults"]) == (12, [], [])
    assert int(str(found["refused"])) > 12
    assert int(str(found["acknowledged"])) > 100
