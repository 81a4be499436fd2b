"""BEIR folders: documents, questions and judgments, the form public retrieval sets come in.

``corpus.jsonl`` (``_id``, ``title``, ``text``), ``queries.jsonl`` (``_id``, ``text``,
``metadata``) and judgments, either ``qrels/<split>.tsv`` or, where there is no such folder, a flat
``qrels.tsv``: ``query-id``, ``corpus-id``, ``score`` under a header, separated by tabs. Beside
them may stand ``unanswerable.jsonl``, shaped like ``queries.jsonl``: questions that no document
answers, which the format itself has no place for.

Source:
    Thakur et al., BEIR, NeurIPS 2021, https://github.com/beir-cellar/beir
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from eval.dataset import Dataset, Qrels
from eval.questions import (
    Place,
    Question,
    QuestionsError,
    digest_of,
    is_one_column,
    json_of,
    lines_of,
    listed,
)
from eval.trec import JudgmentsError, add_judgment, columns_of
from rag.errors import CasebookError
from rag.types import Source

CORPUS = "corpus.jsonl"
"""The file by which a folder is known to be a BEIR set."""

_QUERIES = "queries.jsonl"
_UNANSWERABLE = "unanswerable.jsonl"
_HEADER = ("query-id", "corpus-id", "score")

_Record: TypeAlias = tuple[Place, Mapping[str, object]]


class DocumentsError(CasebookError):
    """The documents of a test collection cannot be used; the message names file and line."""


def read_beir(folder: Path, split: str | None = None) -> Dataset:
    """Read a BEIR folder.

    Documents become sources named by their id: title, line break and text, or the text alone
    where there is no title. A document without letters or digits is kept as it is. Questions are
    those that the split judges, in the order of ``queries.jsonl``, then all of
    ``unanswerable.jsonl``. A question's type is ``metadata.type``, else ``metadata.set``, else
    empty; its reference answer ``metadata.answer``, if these are strings. Notes say which questions
    are left out, and which count as unanswerable because nothing is judged relevant to them.

    Args:
        folder: The folder.
        split: Which judgments; None takes ``test``, else ``dev``, else the only one.

    Returns:
        The dataset, named after the folder; where another split was asked for than None takes,
        ``folder-split``.

    Raises:
        DocumentsError: If a document cannot be used: not JSON, a key missing, an id repeated, blank.
        QuestionsError: The same for a question that is asked.
        JudgmentsError: If there are no judgments or no such split, if a line is not a judgment, or
            names a question or document that is not there, or calls a document relevant to an
            unanswerable question; if no document is relevant to any question.
    """
    file = _qrels_file(folder, split)
    sources = tuple(_documents(folder / CORPUS))
    judged = _records(folder / _QUERIES, QuestionsError)
    none = folder / _UNANSWERABLE
    unanswerable = _records(none, QuestionsError) if none.exists() else {}
    for question_id, (place, _) in unanswerable.items():
        if question_id in judged:
            place.fail(f"_id {question_id} 在 {_QUERIES} 里也有；每个问题的 id 须唯一")
    qrels: dict[str, dict[str, int]] = {}
    known = {source.name for source in sources}
    for place, question_id, unit_id, grade in _rows(file):
        if question_id not in judged and question_id not in unanswerable:
            place.fail(f"问题 {question_id} 不在 {_QUERIES} 中；请补上问题或删去此行")
        if unit_id not in known:
            place.fail(f"文档 {unit_id} 不在 {CORPUS} 中；请补上文档或删去此行")
        add_judgment(qrels, place, question_id, unit_id, grade)
        if qrels[question_id][unit_id] > 0 and question_id in unanswerable:
            place.fail(f"问题 {question_id} 在 {_UNANSWERABLE} 中，不能有相关文档")
    asked = {qid: entry for qid, entry in judged.items() if qid in qrels} | dict(unanswerable)
    # Public sets hold some: whoever gave no words cannot have been misunderstood.
    blank = {
        qid: place for qid, (place, record) in asked.items() if not _text(place, record).strip()
    }
    qrels = {
        question_id: grades for question_id, grades in qrels.items() if question_id not in blank
    }
    if not any(grade > 0 for grades in qrels.values() for grade in grades.values()):
        message = f"{file}：没有一条相关（等级大于 0）的判断；至少要有一条，否则无从评测"
        raise JudgmentsError(message)
    questions = tuple(_question(*entry) for qid, entry in asked.items() if qid not in blank)
    name = _name(folder, file)
    return Dataset(
        name=name,
        questions=questions,
        sources=sources,
        judgments=qrels,
        digest=judged_digest(questions, qrels),
        notes=(
            *(
                f"{name}：{place.file.name}：第 {place.number} 行：问题 {qid} 没有文字，未计入"
                for qid, place in blank.items()
            ),
            *_judging_notes(
                f"{name}：{file.name}", len(judged.keys() - asked.keys()), qrels, unanswerable
            ),
        ),
    )


def write_beir(folder: Path, dataset: Dataset, split: str = "test") -> None:
    """Write a dataset with judgments as a BEIR folder.

    `read_beir` returns the same documents, judgments and questions, those without any judgment
    last: they go to ``unanswerable.jsonl``. A source is written as a document without title,
    because its text may already begin with one. Quotes have no place in the format.

    Args:
        folder: A folder that does not exist yet, or is empty.
        dataset: Judged by document.
        split: Name of the judgments' file.

    Raises:
        JudgmentsError: If the folder holds something, or an id cannot stand in a TSV file.
        ValueError: If the dataset has no judgments, judges a document or question that it lacks,
            or two documents share a name.
    """
    _require_judged(dataset)
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder}：文件夹不是空的；请换一个文件夹，或先清空它"
        raise JudgmentsError(message)
    rows = [_HEADER] + [
        (_cell(folder, question_id), _cell(folder, unit_id), str(grade))
        for question_id, grades in dataset.judgments.items()
        for unit_id, grade in grades.items()
    ]
    judged = {question_id for question_id, grades in dataset.judgments.items() if grades}
    asked = [question for question in dataset.questions if question.question_id in judged]
    others = [question for question in dataset.questions if question.question_id not in judged]
    (folder / "qrels").mkdir(parents=True)
    _write_lines(
        folder / CORPUS,
        ({"_id": source.name, "title": "", "text": source.text} for source in dataset.sources),
    )
    _write_lines(folder / _QUERIES, map(_query, asked))
    if others:
        _write_lines(folder / _UNANSWERABLE, map(_query, others))
    text = "".join("\t".join(row) + "\n" for row in rows)
    (folder / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8", newline="\n")


def _name(folder: Path, qrels: Path) -> str:
    name = folder.resolve().name
    try:
        usual = _qrels_file(folder, None)
    except JudgmentsError:  # several splits, none of which is taken by itself
        usual = None
    return name if qrels == usual else f"{name}-{qrels.stem}"


def _judging_notes(
    where: str, unjudged: int, qrels: Qrels, unanswerable: Collection[str]
) -> Iterator[str]:
    if unjudged:
        yield f"{where}：{_QUERIES} 里有 {unjudged} 个问题在这里没有判断，未计入"
    zero = [
        question_id
        for question_id, grades in qrels.items()
        if question_id not in unanswerable and not any(grade > 0 for grade in grades.values())
    ]
    if zero:
        yield f"{where}：{listed(zero)}没有相关（等级大于 0）的文档，按无答案的问题计"


def judged_digest(questions: Sequence[Question], judgments: Qrels) -> str:
    """Digest of questions and judgments, in hex; the order of the judgments does not matter."""
    canonical = json.dumps(judgments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{digest_of(questions)}\n{canonical}".encode()).hexdigest()


def _documents(file: Path) -> Iterator[Source]:
    for document_id, (place, record) in _records(file, DocumentsError).items():
        title = record.get("title", "")
        if not isinstance(title, str):
            place.fail(f"title 是 {title!r}，应为字符串，可以为空")
        body = _text(place, record)
        text = f"{title}\n{body}" if title else body
        if not text.strip():
            why = f"文档 {document_id} 没有文字；请补上，或删去它和对它的判断"
            place.fail(why)
        sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
        yield Source(document_id, sha256, "utf-8", text)


def _records(file: Path, error: type[CasebookError]) -> Mapping[str, _Record]:
    """Read JSON lines by their ``_id``, in their order."""
    if not file.is_file():
        message = f"{file}：没有这个文件；BEIR 文件夹里应有 {CORPUS} 和 {_QUERIES}"
        raise error(message)
    records: dict[str, _Record] = {}
    for place, text in lines_of(file, error):
        record = json_of(place, text)
        if not isinstance(record, dict):
            place.fail('应为对象，形如 {"_id": "1", "text": "文字"}')
        own_id = record.get("_id")
        if not isinstance(own_id, str) or not own_id:
            place.fail(f"_id 是 {own_id!r}，应为非空的字符串")
        place.require_id("_id", own_id)
        if own_id in records:
            place.fail(f"_id {own_id} 重复，第 {records[own_id][0].number} 行已有")
        records[own_id] = (place, record)
    return records


def _text(place: Place, record: Mapping[str, object]) -> str:
    text = record.get("text")
    if not isinstance(text, str):
        place.fail("缺少 text，或者它不是字符串")
    return text


def _question(place: Place, record: Mapping[str, object]) -> Question:
    metadata = record.get("metadata")
    if metadata is None:
        metadata = {}
    if not isinstance(metadata, dict):
        place.fail(f"metadata 是 {metadata!r}，应为对象")
    kinds = (metadata.get(key) for key in ("type", "set"))
    kind = next((kind for kind in kinds if isinstance(kind, str)), "")
    answer = metadata.get("answer")
    return Question(
        question_id=str(record["_id"]),
        type=kind,
        text=_text(place, record),
        quotes=(),
        mode="any",
        answer=answer if isinstance(answer, str) else "",
        line=place.number,
    )


def _query(question: Question) -> dict[str, object]:
    metadata = {"type": question.type, "answer": question.answer}
    return {"_id": question.question_id, "text": question.text, "metadata": metadata}


def _qrels_file(folder: Path, split: str | None) -> Path:
    splits = {file.stem: file for file in sorted((folder / "qrels").glob("*.tsv"))}
    flat = folder / "qrels.tsv"
    if not splits:
        if not flat.exists():
            message = f"{folder}：没有判断；应有 qrels/<划分>.tsv 或 qrels.tsv"
            raise JudgmentsError(message)
        if split is not None:
            message = f"{folder}：只有不分划分的 qrels.tsv，没有 {split}；请不要指定划分"
            raise JudgmentsError(message)
        return flat
    only = splits if len(splits) == 1 else ()
    for name in ("test", "dev", *only) if split is None else (split,):
        if name in splits:
            return splits[name]
    missing, found = split or "test 或 dev", "、".join(splits)
    message = f"{folder}：没有划分 {missing}，有的是 {found}；请指定其中一个"
    raise JudgmentsError(message)


def _rows(file: Path) -> Iterator[tuple[Place, str, str, str]]:
    """Yield question, document and grade of each line below the header."""
    names = " ".join(_HEADER)
    headed = False
    for place, line in lines_of(file, JudgmentsError):
        question_id, unit_id, grade = columns_of(place, line.split("\t"), names)
        if headed:
            yield place, question_id, unit_id, grade
        elif (question_id, unit_id, grade) != _HEADER:
            place.fail(f"第一行是 {question_id} {unit_id} {grade}，应为表头：{names}")
        headed = True


def _require_judged(dataset: Dataset) -> None:
    asked = {question.question_id for question in dataset.questions}
    known = {source.name for source in dataset.sources}
    judged = {unit_id for grades in dataset.judgments.values() for unit_id in grades}
    if not judged or not judged <= known or not dataset.judgments.keys() <= asked:
        message = f"{dataset.name}: judgments must be there, and name its questions and documents"
        raise ValueError(message)
    if len(known) < len(dataset.sources):
        message = f"{dataset.name}: two documents share a name"
        raise ValueError(message)


def _cell(folder: Path, text: str) -> str:
    if not is_one_column(text) or '"' in text:
        message = f"{folder}：编号 {text!r} 为空，或含有空白、引号，不能写入 TSV；请改编号"
        raise JudgmentsError(message)
    return text


def _write_lines(file: Path, records: Iterable[Mapping[str, object]]) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for record in records:
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")
