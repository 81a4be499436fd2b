"""A stored result is verified: what does not follow from the rest of it is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from eval.archive import TOLERANCE, discrepancies, load, save
from eval.result import Result

Make = Callable[..., Result]


def changed(result: Result, measure: str, by: float) -> Result:
    by_question = dict(result.values[measure])
    by_question["Q1"] += by
    return replace(result, values={**result.values, measure: by_question})


def stored_again(result: Result, folder: Path, file: str, old: str, new: str) -> Result:
    """Change a stored file, and the digests with it, as someone who knows them would."""
    save(result, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    del manifest["sha256"]
    manifest["files"][file] = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    seal = hashlib.sha256(json.dumps(manifest).encode()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps({**manifest, "sha256": seal}))
    return load(folder)


@pytest.mark.parametrize(
    ("file", "old", "new", "wrong"),
    [
        (
            "outcomes.jsonl",
            '"evidence": [1], "case_found": true',
            '"evidence": [2], "case_found": false',
            ["名次 Q1：存的是 (2,)，重算是 (1,)", "首位案例 Q1：存的是 False，重算是 True"],
        ),
        (
            "run.txt",
            "Q3 Q0 b 2 2.0 one\n",
            "",
            [
                "R@10 Q3：存的是 1.0，重算是 0.0",
                "evidence@5 Q3：存的是 1.0，重算是 0.0",
                "hit@10 Q3：存的是 1.0，重算是 0.0",
                "名次 Q3：存的是 (2,)，重算是 (None,)",
            ],
        ),
    ],
)
def test_a_stored_rank_that_does_not_follow_from_the_run_file_is_found(
    tmp_path: Path, make_result: Make, file: str, old: str, new: str, wrong: list[str]
) -> None:
    result = make_result("one", [1, None, 2])
    found = discrepancies(stored_again(result, tmp_path / "one", file, old, new))
    assert set(wrong) <= set(found)
    assert [line for line in found if not line[0].isascii()] == [
        line for line in wrong if not line[0].isascii()
    ]


def test_ranks_that_nothing_follows_from_are_a_discrepancy(make_result: Make) -> None:
    result = make_result("one", [1, None, 2])
    outcomes = (replace(result.outcomes[0], holders=None), *result.outcomes[1:])
    assert discrepancies(replace(result, outcomes=outcomes)) == [
        "名次 Q1：没有存下含有引文的段落，无法重算"
    ]


@pytest.mark.parametrize("measure", ["nDCG@10", "evidence@5", "case@1"])
def test_a_value_that_is_off_by_more_than_the_tolerance_is_found(
    make_result: Make, measure: str
) -> None:
    result = make_result("one", [1, None, 2])
    assert discrepancies(result) == []
    assert discrepancies(changed(result, measure, 1e-7)) == []
    assert discrepancies(changed(result, measure, -2e-6)) == [
        f"{measure} Q1：存的是 {1 - 2e-6}，重算是 1.0"
    ]
    assert TOLERANCE == 1e-6


def test_a_value_or_measure_that_is_there_only_once_is_found(make_result: Make) -> None:
    result = make_result("one", [1, None, 2])
    values = {name: dict(by) for name, by in result.values.items() if name != "case@1"}
    del values["R@1"]["Q2"]
    values["R@1"]["Q4"] = 0.0
    values["R@3"]["Q1"] = float("nan")
    values["mine"] = {"Q1": 1.0}
    assert discrepancies(replace(result, values=values)) == [
        "R@1 Q2：存的是 无，重算是 0.0",
        "R@1 Q4：存的是 0.0，重算是 无",
        "R@3 Q1：存的是 nan，重算是 1.0",
        "case@1：没有存下",
        "mine：重算后没有",
    ]


def test_a_result_whose_parts_do_not_belong_together_is_a_discrepancy(make_result: Make) -> None:
    result = make_result("one", [1, None, 2])
    (line,) = discrepancies(replace(result, outcomes=result.outcomes[1:]))
    assert line.startswith("one@小集：无法重算（")
