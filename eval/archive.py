"""A `Result` as a folder, and back: standard files first, so that anyone can score it again.

    manifest.json   provenance, cost, faults, ceilings, notes, sha256 of all files, itself included
    run.txt         TREC run         qrels.txt   TREC judgments
    questions.jsonl, outcomes.jsonl, excerpts.jsonl, groups.json, values.json

``ir_measures qrels.txt run.txt nDCG@10 R@10`` gives the means of ``values.json``, except that it
counts a question without any relevant unit as 0, where here it has no value.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from eval.evidence import Holders
from eval.measures import first_case_of, ranks_of, recomputed
from eval.questions import Question
from eval.result import (
    Ceiling,
    Cost,
    Excerpt,
    Fault,
    Miss,
    Outcome,
    Provenance,
    Result,
    Stages,
)
from eval.trec import read_qrels, read_run, write_qrels, write_run
from rag.errors import CasebookError

FORMAT = 2
"""Bump when a file of the folder changes its name, its layout or its meaning."""
TOLERANCE = 1e-6
"""How far a measure may be off when it is computed again."""
_MANIFEST, _RUN, _QRELS, _VALUES, _GROUPS = (
    "manifest.json",
    "run.txt",
    "qrels.txt",
    "values.json",
    "groups.json",
)
_QUESTIONS, _OUTCOMES, _EXCERPTS = "questions.jsonl", "outcomes.jsonl", "excerpts.jsonl"
_FILES = (_RUN, _QRELS, _QUESTIONS, _OUTCOMES, _EXCERPTS, _GROUPS, _VALUES)
_ASIDE = ".partial"
_SEAL = "sha256"
"""Key of the manifest's digest of everything else in it."""


class ArchiveError(CasebookError):
    """A stored run is missing, damaged, or of another format."""


def save(result: Result, folder: Path) -> None:
    """Write a result, over one that is there.

    Everything is written beside the folder first, so that what cannot be written leaves the old
    result as it was. Then the old manifest goes first and the new one comes last: `load` refuses a
    folder whose writing was interrupted in between.

    Raises:
        JudgmentsError: If an id or the system's name cannot stand in a TREC file.
        ValueError: If a ranking is not best first, or holds a unit twice.
    """
    aside = folder.resolve().with_name(f".{folder.resolve().name}{_ASIDE}")
    shutil.rmtree(aside, ignore_errors=True)  # left by a writing that was interrupted
    aside.mkdir(parents=True)
    try:
        _write_all(result, aside)
        folder.mkdir(exist_ok=True)
        (folder / _MANIFEST).unlink(missing_ok=True)
        for name in (*_FILES, _MANIFEST):
            (aside / name).replace(folder / name)
    finally:
        shutil.rmtree(aside)


def _write_all(result: Result, folder: Path) -> None:
    rankings = {outcome.question_id: outcome.ranking for outcome in result.outcomes}
    write_run(folder / _RUN, rankings, result.provenance.system)
    write_qrels(folder / _QRELS, result.qrels)
    _write_lines(folder / _QUESTIONS, map(asdict, result.questions))
    _write_lines(folder / _OUTCOMES, map(_outcome_to_json, result.outcomes))
    _write_lines(folder / _EXCERPTS, map(asdict, result.excerpts))
    _write(folder / _GROUPS, result.groups)
    _write(folder / _VALUES, result.values)
    manifest: dict[str, object] = {
        "format": FORMAT,
        "provenance": asdict(result.provenance),
        "above": result.above,
        "about": result.about,
        "faults": [asdict(fault) for fault in result.faults],
        "ceilings": [asdict(ceiling) for ceiling in result.ceilings],
        "cost": asdict(result.cost) if result.cost else None,
        "notes": result.notes,
        "files": {name: _digest(folder / name) for name in _FILES},
    }
    _write(folder / _MANIFEST, {**manifest, _SEAL: _seal(manifest)})


def load(folder: Path) -> Result:
    """Read a result: equal to the one saved, in the same order throughout.

    Raises:
        ArchiveError: If there is none, its writing was interrupted, the format is another, or a
            file is not what was written; the message names it.
    """
    manifest = _manifest(folder)
    for name, digest in manifest["files"].items():
        if not (folder / name).is_file():
            raise _damaged(folder / name, "不存在")
        if _digest(folder / name) != digest:
            raise _damaged(folder / name, "与清单中的摘要不符")
    try:
        return _result(folder, manifest)
    except (KeyError, TypeError, ValueError) as error:
        # Nothing is damaged: this was written by code whose values have other fields.
        raise _damaged(folder, f"与本版本的字段不符（{error}）") from error


def load_all(paths: Iterable[Path]) -> tuple[Result, ...]:
    """Read results, and all those below a folder that is not one itself.

    Returns:
        In the order of the paths; those below a folder by dataset, then each after the one it is
        compared with, then as they were started, then by the name of their folder.

    Raises:
        ArchiveError: If one cannot be read, one below a folder was interrupted while it was
            written, or a path leads to none.
    """
    results: list[Result] = []
    for path in paths:
        if (path / _MANIFEST).is_file() or not path.is_dir():
            results.append(load(path))
            continue
        # A run without a manifest was interrupted: leaving it out would be a row less, unsaid.
        folders = {file.parent for name in (_MANIFEST, _RUN) for file in path.rglob(name)}
        found = [load(folder) for folder in sorted(folders)]
        if not found:
            message = f"{path} 里没有评测结果；请运行：casebook eval run"
            raise ArchiveError(message)
        results.extend(_in_order(found))
    return tuple(results)


def discrepancies(result: Result) -> list[str]:
    """Compute ranks and every measure again from the rankings and judgments, without a model.

    Returns:
        Ranks and values that differ (values by more than `TOLERANCE`), are there only once, or
        cannot be computed, because it is not stored which passages hold the quotes; sorted, empty
        if all is well.
    """
    try:
        again = recomputed(result)
    except ValueError as error:
        return [f"{result.name}：无法重算（{error}）"]
    wrong = [f"{measure}：重算后没有" for measure in result.values.keys() - again.keys()]
    wrong += [f"{measure}：没有存下" for measure in again.keys() - result.values.keys()]
    for measure in sorted(again.keys() & result.values.keys()):
        wrong += _differing(measure, result.values[measure], again[measure])
    for outcome in result.outcomes:
        wrong += _misplaced(outcome)
    return sorted(wrong)


def _misplaced(outcome: Outcome) -> Iterator[str]:
    if outcome.evidence and outcome.holders is None:
        yield f"名次 {outcome.question_id}：没有存下含有引文的段落，无法重算"
    for what, stored, again in (
        ("名次", outcome.evidence, ranks_of(outcome)),
        ("首位案例", outcome.case_found, first_case_of(outcome)),
    ):
        if stored != again:
            yield f"{what} {outcome.question_id}：存的是 {stored}，重算是 {again}"


def _differing(measure: str, stored: Mapping[str, float], again: Mapping[str, float]) -> list[str]:
    missing = float("nan")  # differs from everything, itself included
    return [
        f"{measure} {question_id}：存的是 {stored.get(question_id, '无')}，"
        f"重算是 {again.get(question_id, '无')}"
        for question_id in stored.keys() | again.keys()
        if not abs(stored.get(question_id, missing) - again.get(question_id, missing)) <= TOLERANCE
    ]


def _manifest(folder: Path) -> dict[str, Any]:
    file = folder / _MANIFEST
    try:
        manifest = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        found = (
            f"评测结果没有写完（缺 {_MANIFEST}）" if (folder / _RUN).exists() else "没有评测结果"
        )
        message = f"{folder} 里{found}；请运行：casebook eval run"
        raise ArchiveError(message) from None
    except ValueError as error:
        raise _damaged(file, f"不是 JSON（{error}）") from error
    if not isinstance(manifest, dict):
        raise _damaged(file, "不是 JSON 对象")
    if "format" not in manifest:
        raise _damaged(file, "没有写明格式")
    if manifest["format"] != FORMAT:
        message = (
            f"{file}：评测结果的格式是 {manifest['format']}，本版本使用 {FORMAT}；"
            "请用本版本重新运行：casebook eval run（导入的用 casebook eval import）"
        )
        raise ArchiveError(message)
    if manifest.pop(_SEAL, None) != _seal(manifest):
        raise _damaged(file, "与它自己的摘要不符")
    return manifest


def _result(folder: Path, manifest: Mapping[str, Any]) -> Result:
    rankings = read_run(folder / _RUN)
    outcomes = (
        replace(_outcome_from_json(record), ranking=rankings.get(record["question_id"], ()))
        for record in _lines(folder / _OUTCOMES)
    )
    return Result(
        provenance=Provenance(**manifest["provenance"]),
        above=manifest["above"],
        about=manifest["about"],
        questions=tuple(
            Question(**{**record, "quotes": tuple(record["quotes"])})
            for record in _lines(folder / _QUESTIONS)
        ),
        qrels=read_qrels(folder / _QRELS),
        outcomes=tuple(outcomes),
        values=json.loads((folder / _VALUES).read_bytes()),
        groups=json.loads((folder / _GROUPS).read_bytes()),
        faults=tuple(Fault(**record) for record in manifest["faults"]),
        ceilings=tuple(Ceiling(**record) for record in manifest["ceilings"]),
        excerpts=tuple(Excerpt(**record) for record in _lines(folder / _EXCERPTS)),
        cost=Cost(**manifest["cost"]) if manifest["cost"] else None,
        notes=tuple(manifest["notes"]),
    )


def _in_order(results: Iterable[Result]) -> list[Result]:
    """Put each result after the one it is compared with: the order in which they were run."""
    # Stable: what started within one second stays in the order of the folders.
    waiting = sorted(results, key=lambda r: (r.provenance.dataset, r.provenance.started))
    names = {(r.provenance.dataset, r.provenance.system) for r in waiting}
    placed: list[Result] = []
    done: set[tuple[str, str]] = set()
    while waiting:
        free = next(
            (
                r
                for r in waiting
                if (r.provenance.dataset, r.above) in done
                or (r.provenance.dataset, r.above) not in names
            ),
            waiting[0],  # two that name each other: keep the order in which they started
        )
        waiting.remove(free)
        placed.append(free)
        done.add((free.provenance.dataset, free.provenance.system))
    return placed


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    record = asdict(outcome)
    del record["ranking"]  # stands in the run file
    return record


def _outcome_from_json(record: Mapping[str, Any]) -> Outcome:
    return Outcome(
        **{
            **record,
            "ranking": (),
            "evidence": tuple(record["evidence"]),
            "districts": tuple(record["districts"]),
            "stages": Stages(**record["stages"]) if record["stages"] else None,
            "miss": Miss(**record["miss"]) if record["miss"] else None,
            "holders": _holders_from_json(record["holders"]),
        }
    )


def _holders_from_json(records: list[dict[str, Any]] | None) -> tuple[Holders, ...] | None:
    if records is None:
        return None
    return tuple(
        Holders(
            ways=tuple(map(tuple, record["ways"])),
            partly=record["partly"],
            cases=tuple(record["cases"]),
        )
        for record in records
    )


def _write(file: Path, value: object) -> None:
    # Keys stay in their order, which is that of the tables.
    text = json.dumps(value, ensure_ascii=False, indent=1)
    file.write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _write_lines(file: Path, records: Iterable[Mapping[str, Any]]) -> None:
    lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
    file.write_text("".join(lines), encoding="utf-8", newline="\n")


def _lines(file: Path) -> list[dict[str, Any]]:
    # Not splitlines: a text may hold U+2028, which is a line end there but not in JSON lines.
    return [json.loads(line) for line in file.read_bytes().split(b"\n") if line]


def _seal(manifest: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(manifest).encode("ascii")).hexdigest()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _damaged(file: Path, found: str) -> ArchiveError:
    return ArchiveError(f"评测结果已损坏：{file} {found}；请重新运行：casebook eval run")
