"""BEIR folders, written by hand and by us."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.beir import DocumentsError, read_beir, write_beir
from eval.dataset import Dataset
from eval.questions import Question, QuestionsError, is_one_column
from eval.trec import JudgmentsError
from rag.errors import CasebookError
from rag.types import Source

CORPUS = (
    '{"_id": "d1", "title": "退税", "text": "三日到账。"}\n'
    '{"_id": "d2", "title": "", "text": "帮办六千次。"}\n'
    '{"_id": "d3", "text": "——"}\n'
)
QUERIES = (
    '{"_id": "q2", "text": "几次？", "metadata": {"set": "number", "answer": "六千次"}}\n'
    '{"_id": "q1", "text": "几天？", "metadata": {"type": "fact", "set": "x", "answer": ["三"]}}\n'
    '{"_id": "q9", "text": "", "metadata": null}\n'
)
UNANSWERABLE = '{"_id": "q0", "text": "红烧肉？"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq2\td2\t1\n"


def document(name: str, text: str) -> Source:
    return Source(name, sha256(text.encode()).hexdigest(), "utf-8", text)


def asked(name: str, kind: str, text: str, answer: str = "") -> Question:
    return Question(name, kind, text, (), "any", answer)


Change = Callable[..., Path]


def test_a_question_without_words_is_left_out_and_noted(folder: Change) -> None:
    dataset = read_beir(folder(queries=QUERIES.replace("几天？", " ")))
    assert [question.question_id for question in dataset.questions] == ["q2"]
    assert set(dataset.judgments) == {"q2"}
    (note, _) = dataset.notes
    assert note == "小集：queries.jsonl：第 2 行：问题 q1 没有文字，未计入"


@pytest.fixture
def folder(tmp_path: Path) -> Change:
    """Make a folder, with some files replaced, added, or left out (None)."""

    def make(**changes: str | bytes | None) -> Path:
        root = tmp_path / "小集"
        files = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS, **changes}
        for name, content in files.items():
            suffix = ".tsv" if "qrels" in name else ".jsonl"
            file = root / (name.replace("__", "/") + suffix)
            file.parent.mkdir(parents=True, exist_ok=True)
            if content is not None:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return root

    return make


def test_a_folder_becomes_a_dataset_judged_by_document(folder: Change) -> None:
    dataset = read_beir(folder(unanswerable=UNANSWERABLE))
    assert dataset.name == "小集"
    assert dataset.questions == (
        asked("q2", "number", "几次？", "六千次"),
        asked("q1", "fact", "几天？"),
        asked("q0", "", "红烧肉？"),
    )
    assert dataset.sources == (
        document("d1", "退税\n三日到账。"),
        document("d2", "帮办六千次。"),
        document("d3", "——"),
    )
    assert dataset.judgments == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    assert dataset.by_document
    assert [dataset.answerable(question) for question in dataset.questions] == [True, True, False]


def test_marks_and_line_ends_of_windows_do_no_harm(folder: Change) -> None:
    plain = read_beir(folder())
    windows = {
        name: f"\ufeff{text}".replace("\n", "\r\n")
        for name, text in (("corpus", CORPUS), ("queries", QUERIES), ("qrels", QRELS))
    }
    assert read_beir(folder(**windows)) == plain


def test_the_digest_covers_questions_and_judgments_whatever_the_order_of_the_judgments(
    folder: Change,
) -> None:
    digest = read_beir(folder()).digest
    head, *rows = QRELS.splitlines(keepends=True)
    assert read_beir(folder(qrels=head + "".join(reversed(rows)))).digest == digest
    assert read_beir(folder(qrels=QRELS.replace("d1\t2", "d1\t1"))).digest != digest
    assert read_beir(folder(queries=QUERIES.replace("几天", "几日"))).digest != digest
    assert read_beir(folder(unanswerable=UNANSWERABLE)).digest != digest
    assert len(digest) == 64


@pytest.mark.parametrize(
    ("splits", "split", "taken"),
    [
        (("train", "dev", "test"), None, "test"),
        (("train", "dev"), None, "dev"),
        (("train",), None, "train"),
        (("train", "dev", "test"), "train", "train"),
    ],
)
def test_a_split_has_its_own_judgments_and_questions(
    folder: Change, splits: tuple[str, ...], split: str | None, taken: str
) -> None:
    files = {f"qrels__{name}": "query-id\tcorpus-id\tscore\nq2\td3\t1\n" for name in splits}
    files[f"qrels__{taken}"] = "query-id\tcorpus-id\tscore\nq1\td3\t1\n"
    dataset = read_beir(folder(qrels=None, **files), split)
    assert dataset.judgments == {"q1": {"d3": 1}}
    assert dataset.questions == (asked("q1", "fact", "几天？"),)
    (note,) = dataset.notes
    assert note.endswith(f"{taken}.tsv：queries.jsonl 里有 2 个问题在这里没有判断，未计入")


def test_another_split_than_the_usual_has_another_name(folder: Change) -> None:
    root = folder(qrels=None, qrels__dev=QRELS, qrels__test=QRELS)
    names = {split: read_beir(root, split).name for split in (None, "test", "dev")}
    assert names == {None: "小集", "test": "小集", "dev": "小集-dev"}
    (root / "qrels" / "test.tsv").unlink()
    assert read_beir(root, "dev").name == "小集"


def test_splits_without_a_usual_one_are_all_named(folder: Change) -> None:
    root = folder(qrels=None, qrels__a=QRELS, qrels__b=QRELS)
    assert [read_beir(root, split).name for split in "ab"] == ["小集-a", "小集-b"]


def test_questions_judged_only_0_count_as_unanswerable_and_are_named(folder: Change) -> None:
    rows = "query-id\tcorpus-id\tscore\nq1\td1\t0\nq1\td2\t-1\nq2\td2\t1\nq0\td1\t0\n"
    dataset = read_beir(
        folder(
            queries=QUERIES[: QUERIES.index('{"_id": "q9"')], qrels=rows, unanswerable=UNANSWERABLE
        )
    )
    assert [dataset.answerable(question) for question in dataset.questions] == [True, False, False]
    (note,) = dataset.notes
    assert note.endswith("qrels.tsv：1 个问题（q1）没有相关（等级大于 0）的文档，按无答案的问题计")


def test_a_set_that_judges_all_its_questions_has_no_notes(folder: Change) -> None:
    assert (
        read_beir(
            folder(
                qrels=f"{QRELS}q9\td1\t1\n", queries=QUERIES.replace('"text": ""', '"text": "？"')
            )
        ).notes
        == ()
    )


@pytest.mark.parametrize(
    ("files", "split", "message"),
    [
        ({}, None, r"小集：没有判断；应有 qrels/<划分>\.tsv 或 qrels\.tsv$"),
        ({"qrels": QRELS}, "dev", r"小集：只有不分划分的 qrels\.tsv，没有 dev"),
        ({"qrels__a": QRELS, "qrels__b": QRELS}, None, "没有划分 test 或 dev，有的是 a、b；请指定"),
        ({"qrels__a": QRELS, "qrels__test": QRELS}, "dev", "没有划分 dev，有的是 a、test；请指定"),
    ],
)
def test_a_split_that_is_not_there_is_an_error_that_names_those_that_are(
    folder: Change, files: dict[str, str], split: str | None, message: str
) -> None:
    with pytest.raises(JudgmentsError, match=message):
        read_beir(folder(**({"qrels": None} | files)), split)


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        ({"corpus": "{"}, DocumentsError, r"corpus\.jsonl：第 1 行：不是 JSON"),
        ({"corpus": "[]"}, DocumentsError, r'第 1 行：应为对象，形如 \{"_id"'),
        ({"corpus": b'{"_id": "\xb0"}'}, DocumentsError, "第 1 行：第 10 字节起不是 UTF-8"),
        ({"corpus": '{"text": "a"}'}, DocumentsError, "第 1 行：_id 是 None，应为非空的字符串"),
        ({"corpus": '{"_id": 1, "text": "a"}'}, DocumentsError, "第 1 行：_id 是 1，应为"),
        (
            {"corpus": '{"_id": "d 1", "text": "a"}'},
            DocumentsError,
            "第 1 行：_id 是 'd 1'，含有空白",
        ),
        (
            {"queries": QUERIES.replace("q1", "q\\t1")},
            QuestionsError,
            "第 2 行：_id 是 .+，含有空白",
        ),
        ({"corpus": f"{CORPUS}{CORPUS}"}, DocumentsError, "第 4 行：_id d1 重复，第 1 行已有"),
        ({"corpus": '{"_id": "d1"}'}, DocumentsError, "第 1 行：缺少 text，或者它不是字符串"),
        ({"corpus": '{"_id": "d1", "text": " "}'}, DocumentsError, "第 1 行：文档 d1 没有文字"),
        (
            {"corpus": '{"_id": "d1", "title": null, "text": "a"}'},
            DocumentsError,
            "第 1 行：title 是 None，应为字符串，可以为空",
        ),
        (
            {"corpus": '{"_id": "d1", "text": "\\ud800"}'},
            DocumentsError,
            "第 1 行：含有不成对的代理项",
        ),
        ({"queries": None}, QuestionsError, r"queries\.jsonl：没有这个文件"),
        ({"queries": QUERIES + QUERIES}, QuestionsError, "第 4 行：_id q2 重复，第 1 行已有"),
        (
            {"queries": '{"_id": "q1", "text": "?", "metadata": 1}\n{"_id": "q2", "text": "?"}'},
            QuestionsError,
            "第 1 行：metadata 是 1，应为对象",
        ),
        (
            {"unanswerable": UNANSWERABLE.replace("q0", "q2")},
            QuestionsError,
            r"unanswerable\.jsonl：第 1 行：_id q2 在 queries\.jsonl 里也有",
        ),
        (
            {"unanswerable": UNANSWERABLE, "qrels": f"{QRELS}q0\td1\t1\n"},
            JudgmentsError,
            r"qrels\.tsv：第 5 行：问题 q0 在 unanswerable\.jsonl 中，不能有相关文档",
        ),
        ({"qrels": "q1\td1\t1\n"}, JudgmentsError, "第 1 行：第一行是 q1 d1 1，应为表头：query-id"),
        ({"qrels": f"{QRELS}q1 d3 1\n"}, JudgmentsError, "第 5 行：有 1 列，应为 3 列：query-id"),
        ({"qrels": f"{QRELS}q5\td1\t1\n"}, JudgmentsError, "第 5 行：问题 q5 不在 queries"),
        ({"qrels": f"{QRELS}q1\td5\t1\n"}, JudgmentsError, "第 5 行：文档 d5 不在 corpus"),
        ({"qrels": f"{QRELS}q1\td3\t1.0\n"}, JudgmentsError, "第 5 行：等级是 '1.0'，应为整数"),
        ({"qrels": f"{QRELS}q1\td1\t1\n"}, JudgmentsError, "第 5 行：问题 q1 对 d1 的判断重复"),
        (
            {"qrels": "query-id\tcorpus-id\tscore\nq1\td1\t0\n"},
            JudgmentsError,
            r"qrels\.tsv：没有一条相关（等级大于 0）的判断",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_line(
    folder: Change,
    files: dict[str, str | bytes | None],
    error: type[CasebookError],
    message: str,
) -> None:
    with pytest.raises(error, match=message):
        read_beir(folder(**files))


words = st.text(min_size=1).filter(lambda text: text.strip())
ids = st.text(st.characters(codec="utf-8"), min_size=1).filter(
    lambda text: is_one_column(text) and '"' not in text
)


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    texts = draw(st.dictionaries(ids, words, min_size=1, max_size=4))
    sources = tuple(document(name, text) for name, text in texts.items())
    kinds = draw(st.dictionaries(ids, st.tuples(st.text(), words, st.text()), min_size=1))
    questions = tuple(asked(name, *values) for name, values in kinds.items())
    judged = st.dictionaries(st.sampled_from([*texts]), st.integers(-1, 3), min_size=1)
    judgments = draw(st.dictionaries(st.sampled_from([*kinds]), judged))
    judgments[questions[0].question_id] = {sources[0].name: 1}
    return Dataset("小集", questions, sources, judgments, "")


@given(datasets(), st.sampled_from(["test", "train"]))
def test_what_is_written_is_read_again(dataset: Dataset, split: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        write_beir(Path(root) / "一", dataset, split)
        found = read_beir(Path(root) / "一")
        write_beir(Path(root) / "二", found)
        again = read_beir(Path(root) / "二")
    unjudged = [q for q in dataset.questions if q.question_id not in dataset.judgments]
    judged = [q for q in dataset.questions if q.question_id in dataset.judgments]
    assert found.questions == (*judged, *unjudged)
    assert found.sources == dataset.sources
    assert found.judgments == dataset.judgments
    assert replace(again, name="一", notes=found.notes) == found  # notes name the file


def test_the_files_are_those_of_the_format(tmp_path: Path, folder: Change) -> None:
    write_beir(tmp_path / "新", read_beir(folder(unanswerable=UNANSWERABLE)), "dev")
    names = sorted(
        path.relative_to(tmp_path / "新").as_posix()
        for path in (tmp_path / "新").rglob("*")
        if path.is_file()
    )
    assert names == ["corpus.jsonl", "qrels/dev.tsv", "queries.jsonl", "unanswerable.jsonl"]
    assert (tmp_path / "新" / "qrels" / "dev.tsv").read_text(encoding="utf-8") == QRELS
    first = (tmp_path / "新" / "corpus.jsonl").read_text(encoding="utf-8").split("\n")[0]
    assert json.loads(first) == {"_id": "d1", "title": "", "text": "退税\n三日到账。"}


def test_a_folder_that_holds_something_is_left_alone(folder: Change) -> None:
    root = folder()
    with pytest.raises(JudgmentsError, match="小集：文件夹不是空的；请换一个文件夹"):
        write_beir(root, read_beir(root))
    assert (root / "corpus.jsonl").read_text(encoding="utf-8") == CORPUS


@pytest.mark.parametrize("bad", ["a b", "a\tb", "a\n", '"a', ""])
def test_an_id_that_would_break_a_row_is_not_written(tmp_path: Path, bad: str) -> None:
    question = asked("q", "", "？")
    dataset = Dataset("x", (question,), (document(bad, "文"),), {"q": {bad: 1}}, "")
    with pytest.raises(JudgmentsError, match="不能写入 TSV；请改编号"):
        write_beir(tmp_path / "x", dataset)
    assert not (tmp_path / "x").exists()


def test_a_dataset_that_does_not_hold_together_is_a_programming_error(tmp_path: Path) -> None:
    question, one = asked("q", "", "？"), document("d", "文")
    for sources, judgments, message in (
        ((one,), {}, "judgments must be there"),
        ((one,), {"q": {"e": 1}}, "name its questions and documents"),
        ((one,), {"p": {"d": 1}}, "name its questions and documents"),
        ((one, one), {"q": {"d": 1}}, "two documents share a name"),
    ):
        with pytest.raises(ValueError, match=message):
            write_beir(tmp_path / "x", Dataset("x", (question,), sources, judgments, ""))
