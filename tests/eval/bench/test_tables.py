"""What was measured -> tables."""

from __future__ import annotations

from pathlib import Path

from eval.bench import entries, tables
from eval.bench.entries import CASEBOOK, DIRECT, SERVICE, Entry
from eval.bench.figures import Latency, Load
from eval.bench.measured import Measured

PYTHON = Path("python")
ENTRIES = (
    Entry(CASEBOOK, PYTHON, "m", ways=(("whole", ""),)),
    Entry(SERVICE, PYTHON, "m", ways=(), served=SERVICE),
    Entry("peer", PYTHON, "m", served="peer, FastAPI"),
    Entry("failed", PYTHON, "m", served="failed, FastAPI"),
)


def load(milliseconds: float, per_second: float) -> Load:
    return Load(Latency(((milliseconds,), (milliseconds,))), (per_second, per_second * 2), (0.1,))


MEASURED = {
    CASEBOOK: Measured(1.0, 200.0, {"whole": Latency(((5.0, 5.0), (10.0, 10.0)))}, {}),
    SERVICE: Measured(2.0, 250.0, {}, {n: load(8.0, 60.0) for n in (1, 4, 16)}),
    "peer": Measured(
        20.0,
        1000.0,
        {"dense": Latency(((25.0, 25.0), (30.0, 30.0))), "hybrid": Latency(((50.0,), (50.0,)))},
        {n: load(24.0, 20.0) for n in (1, 4, 16)},
    ),
}


def test_latencies_stand_beside_how_many_times_casebook_is_as_fast() -> None:
    assert tables.in_process(ENTRIES, MEASURED).splitlines() == [
        "| in process | p50 ms | p95 | p99 | n | Casebook faster × |",
        "|---|--:|--:|--:|--:|--:|",
        "| Casebook | 7.5 | 10.0 | 10.0 | 4 | 1.0 (1.0–1.0) |",
        "| peer | 27.5 | 30.0 | 30.0 | 4 | 4.0 (3.0–5.0) |",
        "| peer, hybrid | 50.0 | 50.0 | 50.0 | 2 | 7.5 (5.0–10.0) |",
    ]


def test_throughput_stands_beside_how_many_times_as_much_casebook_answers() -> None:
    assert tables.over_http(ENTRIES, MEASURED).splitlines()[2:] == [
        f"| {SERVICE} | 8.0 | 8.0 | 8.0 | 1.0 (1.0–1.0) |" + " 120.0 | 1.0 (1.0–1.0) |" * 3,
        "| peer, FastAPI | 24.0 | 24.0 | 24.0 | 3.0 (3.0–3.0) |" + " 40.0 | 3.0 (3.0–3.0) |" * 3,
    ]


def test_start_and_memory_are_compared_with_the_service() -> None:
    assert tables.start_and_memory(ENTRIES, MEASURED).splitlines()[2:] == [
        "| Casebook | 1.00 | 0.5 | 200 | 0.8 |",
        f"| {SERVICE} | 2.00 | 1.0 | 250 | 1.0 |",
        "| peer | 20.00 | 10.0 | 1000 | 4.0 |",
    ]


def test_what_is_found_is_compared_with_what_the_published_encoder_finds() -> None:
    def found(*passages: str) -> Measured:
        return Measured(1.0, 1.0, {}, {}, tuple(map(tuple, passages)))

    measured = {DIRECT: found("甲乙", "丙丁"), "peer": found("甲丙", "丁丙"), SERVICE: found()}
    taking = (Entry(SERVICE, PYTHON, "m", vectors=""), ENTRIES[2], Entry(DIRECT, PYTHON, "m"))
    assert tables.agreement(taking, measured).splitlines() == [
        f"| by vectors, as {DIRECT} | the first passage | of the first ten | questions |",
        "|---|--:|--:|--:|",
        "| peer | 0.50 | 0.75 | 2 |",
        f"| {DIRECT} | 1.00 | 1.00 | 2 |",
    ]


def test_a_builds_stages_have_rates_where_they_count_something() -> None:
    stages = {
        CASEBOOK: {"编码句子": 2.0, "publish": 0.5},
        "peer": {"load": 9.0, "index, dense": 4.0},
    }
    counts = {"编码句子": 300, "publish": 1}
    assert tables.builds(stages, counts, 100).splitlines()[2:] == [
        "| Casebook | 编码句子 | 2.00 | 300 | 150 |",
        "| Casebook | publish | 0.50 |  |  |",
        "| peer | load | 9.00 |  |  |",
        "| peer | index, dense | 4.00 | 100 | 25 |",
    ]


def test_peers_take_part_where_they_are_installed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(entries, "PEERS", tmp_path / "python")
    without = [entry.name for entry in entries.entries()]
    assert without == [CASEBOOK, SERVICE, "sentence-transformers + FAISS"]
    (tmp_path / "python").touch()
    with_peers = [entry.name for entry in entries.entries()]
    assert with_peers[:3] == without
    assert [entry.name for entry in entries.peers()] == with_peers[3:]
    assert {entry.python for entry in entries.peers()} == {tmp_path / "python"}
