"""A result on disk: the same when it is read again, refused when it is not what was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.archive import ArchiveError, load, load_all, save
from eval.evidence import Holders
from eval.measures import MEASURES, mean_of, recomputed
from eval.questions import Question
from eval.report import report_json
from eval.result import (
    Ceiling,
    Cost,
    Excerpt,
    Fault,
    Miss,
    Outcome,
    Provenance,
    Ranked,
    Result,
    Stages,
)
from eval.trec import JudgmentsError, decreasing

Make = Callable[..., Result]
FILES = [
    "manifest.json",
    "run.txt",
    "qrels.txt",
    "questions.jsonl",
    "outcomes.jsonl",
    "excerpts.jsonl",
    "groups.json",
    "values.json",
]


texts = st.text(st.sampled_from('退税\u2028\u2029\x85\u3000\r\n\t "\\<\0𠮷👨‍👩é'), max_size=6)
names = st.text(st.sampled_from("Q一é𠮷\"'[/"), min_size=1, max_size=4)
finite = st.floats(allow_nan=False, allow_infinity=False)
singles = st.floats(min_value=-100, max_value=100, width=32)
ranks = st.none() | st.integers(1, 100)
times = st.floats(0, 1e6)
ways = st.lists(st.lists(names, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
held = st.builds(Holders, ways, st.booleans(), st.lists(names, max_size=2).map(tuple))


@st.composite
def rankings(draw: st.DrawFn) -> tuple[Ranked, ...]:
    units = draw(st.lists(names, max_size=3, unique=True))
    scores = sorted(draw(st.lists(singles, min_size=3, max_size=3)), reverse=True)
    return decreasing([Ranked(unit, score) for unit, score in zip(units, scores, strict=False)])


@st.composite
def outcomes_of(draw: st.DrawFn, question: Question) -> Outcome:
    return Outcome(
        question_id=question.question_id,
        ranking=draw(rankings()),
        confidence=draw(st.none() | finite),
        reason=draw(st.sampled_from([None, "not_in_collection", "low_confidence"])),
        evidence=tuple(draw(ranks) for _ in question.quotes),
        case_found=draw(st.none() | st.booleans()),
        districts=tuple(draw(st.lists(texts, max_size=2))),
        district_found=draw(st.none() | texts),
        stages=draw(st.none() | st.builds(Stages, times, times, times, times)),
        miss=draw(
            st.none()
            | st.builds(Miss, st.sampled_from(["cut", "unfound"]), dense=ranks, fused=ranks)
        ),
        holders=draw(st.none() | st.just(tuple(draw(held) for _ in question.quotes))),
    )


@st.composite
def results(draw: st.DrawFn) -> Result:
    questions = draw(
        st.lists(
            st.builds(
                Question,
                question_id=names,
                type=texts,
                text=texts,
                quotes=st.lists(texts, max_size=2).map(tuple),
                answer=texts,
                line=st.none() | st.integers(1),
            ),
            min_size=1,
            max_size=4,
            unique_by=lambda question: question.question_id,
        )
    )
    ids = st.sampled_from([question.question_id for question in questions])
    grades = st.dictionaries(names, st.integers(-2, 3), min_size=1, max_size=3)
    return Result(
        provenance=draw(
            st.builds(
                Provenance,
                system=names,
                configuration=st.dictionaries(texts, texts | finite | st.booleans(), max_size=3),
                encoder=st.dictionaries(texts, texts, max_size=2),
                command=texts,
            )
        ),
        above=draw(texts),
        about=draw(texts),
        questions=tuple(questions),
        qrels=draw(st.dictionaries(ids, grades)),
        outcomes=tuple(draw(outcomes_of(question)) for question in questions),
        values=draw(st.dictionaries(texts, st.dictionaries(ids, finite), max_size=3)),
        groups=draw(st.dictionaries(texts, st.dictionaries(ids, texts), max_size=3)),
        faults=tuple(draw(st.lists(st.builds(Fault, ids, texts), max_size=2))),
        ceilings=tuple(draw(st.lists(st.builds(Ceiling, texts, finite), max_size=2))),
        excerpts=tuple(draw(st.lists(st.builds(Excerpt, names, texts, texts), max_size=2))),
        cost=draw(
            st.none() | st.builds(Cost, finite, st.integers(), st.integers(), st.none() | finite)
        ),
        notes=tuple(draw(st.lists(texts, max_size=2))),
    )


@settings(max_examples=60, deadline=None)
@given(results())
def test_what_is_loaded_is_what_was_saved_in_the_same_order(result: Result) -> None:
    with TemporaryDirectory() as folder:
        save(result, Path(folder))
        loaded = load(Path(folder))
    assert loaded == result
    assert repr(loaded) == repr(result)  # dicts are equal in any order, and 0.0 equals -0.0


def test_a_report_of_a_stored_run_is_that_of_the_run(tmp_path: Path, make_result: Make) -> None:
    result = make_result("hybrid", [1, None, 2])
    groups = {"type": {"Q3": "howto", "Q1": "fact"}, "length": {"Q2": ">40", "Q1": "<=10"}}
    result = replace(result, groups=groups)
    save(result, tmp_path)
    assert report_json([load(tmp_path)]) == report_json([result])
    assert list(load(tmp_path).groups) == ["type", "length"]


def test_a_run_stored_before_there_were_rerankers_took_no_time_for_one(
    tmp_path: Path, make_result: Make
) -> None:
    result = make_result("one", [1, None, 2])
    save(result, tmp_path)
    outcomes, manifest = tmp_path / "outcomes.jsonl", tmp_path / "manifest.json"
    older = outcomes.read_text(encoding="utf-8").replace(', "rerank": 0.0', "")
    assert "rerank" not in older
    outcomes.write_text(older, encoding="utf-8", newline="\n")
    record = json.loads(manifest.read_bytes())
    del record["sha256"]
    record["files"]["outcomes.jsonl"] = hashlib.sha256(outcomes.read_bytes()).hexdigest()
    seal = hashlib.sha256(json.dumps(record).encode("ascii")).hexdigest()
    manifest.write_text(json.dumps({**record, "sha256": seal}), encoding="utf-8")
    assert load(tmp_path) == result


def test_saving_twice_replaces_the_first(tmp_path: Path, make_result: Make) -> None:
    save(make_result("one", [1, 1, 1]), tmp_path)
    save(make_result("two", [2, None, 1]), tmp_path)
    assert load(tmp_path) == make_result("two", [2, None, 1])


def test_the_same_result_is_the_same_bytes(tmp_path: Path, make_result: Make) -> None:
    for name in "ab":
        save(make_result("one", [1, None, 2]), tmp_path / name)
    for file in FILES:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == sorted(FILES)


@pytest.fixture
def stored(tmp_path: Path, make_result: Make) -> Path:
    folder = tmp_path / "小集" / "one"
    result = replace(
        make_result("one", [1, None, 2]),
        faults=(Fault("Q1", "三日到账"),),
        ceilings=(Ceiling("dense@10", 0.5),),
    )
    save(result, folder)
    return folder


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("how", ["removed", "emptied", "cut", "changed", "longer"])
def test_damage_of_a_file_is_found_and_the_file_is_named(stored: Path, name: str, how: str) -> None:
    file = stored / name
    data = file.read_bytes()
    if how == "removed":
        file.unlink()
    else:
        half = len(data) // 2
        changed = data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
        damaged = {"emptied": b"", "cut": data[:half], "changed": changed, "longer": data + b"\n"}
        file.write_bytes(damaged[how])
    with pytest.raises(ArchiveError, match="评测结果已损坏") as caught:
        load(stored)
    assert str(file) in str(caught.value)
    assert "casebook eval run" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("小集", "大集", "与它自己的摘要不符"),
        ('"recall": 0.5', '"recall": 0.6', "与它自己的摘要不符"),
        (
            '"format": 2',
            '"format": 1',
            "格式是 1，本版本使用 2；请用本版本重新运行：casebook eval run",
        ),
        ('"format": 2,', '"format": 2', "不是 JSON"),
        ('"sha256"', '"sha512"', "与它自己的摘要不符"),
    ],
)
def test_a_changed_manifest_is_refused(stored: Path, old: str, new: str, message: str) -> None:
    file = stored / "manifest.json"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ArchiveError, match=message) as caught:
        load(stored)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b"\xff", b'{"format": 2}'])
def test_a_manifest_that_is_something_else_is_refused(stored: Path, data: bytes) -> None:
    (stored / "manifest.json").write_bytes(data)
    with pytest.raises(ArchiveError, match=r"已损坏：.*manifest\.json"):
        load(stored)


def test_what_cannot_be_written_leaves_the_old_result_as_it_was(
    stored: Path, make_result: Make
) -> None:
    before = load(stored)
    half = "\ud83d"  # cannot be written as UTF-8
    broken = replace(make_result("one", [1, 1, 1]), excerpts=(Excerpt("a", half, ""),))
    with pytest.raises(UnicodeEncodeError):
        save(broken, stored)
    with pytest.raises(JudgmentsError):
        save(make_result("a b", [1, 1, 1]), stored)
    assert load(stored) == before
    assert list(stored.parent.iterdir()) == [stored]


def test_what_an_interrupted_writing_left_is_refused_until_it_is_written_again(
    stored: Path, make_result: Make
) -> None:
    left = stored.parent / ".one.partial"
    left.mkdir()
    (left / "run.txt").touch()
    with pytest.raises(ArchiveError, match=r"\.one\.partial 里评测结果没有写完"):
        load_all([stored.parent])
    save(make_result("one", [1, 1, 1]), stored)
    assert load_all([stored.parent]) == (make_result("one", [1, 1, 1]),)


def test_other_files_in_the_folder_are_kept(stored: Path, make_result: Make) -> None:
    (stored / "笔记.txt").write_text("留着", encoding="utf-8")
    save(make_result("two", [1, 1, 1]), stored)
    assert (stored / "笔记.txt").read_text(encoding="utf-8") == "留着"
    assert load(stored) == make_result("two", [1, 1, 1])


def test_an_interrupted_run_below_a_folder_is_refused_and_not_left_out(
    stored: Path, make_result: Make
) -> None:
    save(make_result("two", [1, 1, 1]), stored.parent / "two")
    (stored / "manifest.json").unlink()
    with pytest.raises(ArchiveError, match="没有写完") as caught:
        load_all([stored.parent.parent])
    assert str(stored) in str(caught.value)


@pytest.mark.parametrize("place", ["none", "小集", "小集/one/run.txt"])
def test_where_there_is_no_run_it_is_said(stored: Path, place: str) -> None:
    path = stored.parent.parent / place
    with pytest.raises(ArchiveError, match="没有评测结果；请运行：casebook eval run"):
        load(path)


def test_a_folder_without_runs_is_an_error_and_not_an_empty_table(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="没有评测结果；请运行：casebook eval run"):
        load_all([tmp_path])


def test_an_id_that_a_run_file_cannot_hold_is_refused(tmp_path: Path, make_result: Make) -> None:
    with pytest.raises(JudgmentsError, match="'a b' 为空或含有空白"):
        save(make_result("a b", [1, 1, 1]), tmp_path)


def started(result: Result, second: int) -> Result:
    time = f"2026-01-02T03:04:{second:02}+00:00"
    return replace(result, provenance=replace(result.provenance, started=time))


def test_paths_keep_their_order_and_runs_below_one_follow_what_they_are_compared_with(
    tmp_path: Path, make_result: Make
) -> None:
    made = [
        ("z/e", started(make_result("e", [1, 1, 1], dataset="乙"), 0)),
        ("z/c", started(make_result("c", [1, 1, 1]), 1)),
        ("z/a", started(make_result("a", [1, 1, 1], above="c"), 1)),
        ("z/d", started(make_result("d", [1, 1, 1], above="a"), 0)),
        ("z/b", started(make_result("b", [1, 1, 1], above="gone"), 1)),
        ("last", started(make_result("x", [1, 1, 1]), 0)),
    ]
    for place, result in made:
        save(result, tmp_path / place)
    loaded = load_all([tmp_path / "z", tmp_path / "last"])
    assert [result.provenance.system for result in loaded] == ["e", "b", "c", "a", "d", "x"]
    assert load_all([tmp_path / "last", tmp_path / "z"])[0].provenance.system == "x"


def test_runs_that_name_each_other_keep_the_order_in_which_they_started(
    tmp_path: Path, make_result: Make
) -> None:
    save(started(make_result("a", [1, 1, 1], above="b"), 2), tmp_path / "a")
    save(started(make_result("b", [1, 1, 1], above="a"), 1), tmp_path / "b")
    assert [result.provenance.system for result in load_all([tmp_path])] == ["b", "a"]


def test_another_tool_gets_the_stored_means_from_the_standard_files(
    tmp_path: Path, make_result: Make
) -> None:
    result = make_result("one", [3, None, 2])
    silent = replace(result.outcomes[0], ranking=())  # asked, and nothing came up
    result = replace(result, outcomes=(silent, *result.outcomes[1:]))
    result = replace(result, values=recomputed(result))
    save(result, tmp_path)

    qrels = ir_measures.read_trec_qrels(str(tmp_path / "qrels.txt"))
    run = ir_measures.read_trec_run(str(tmp_path / "run.txt"))
    means = ir_measures.calc_aggregate(MEASURES, qrels, run)

    stored = json.loads((tmp_path / "values.json").read_bytes())
    assert {str(measure) for measure in means} <= stored.keys()
    assert mean_of(stored, "R@10") == 1 / 3
    for measure, mean in means.items():
        assert mean == pytest.approx(mean_of(stored, str(measure)), abs=1e-6)
