"""Any test collection on disk -> `Dataset`, and back.

What it is follows from what is there: a folder with ``corpus.jsonl`` is a BEIR set; a ``.jsonl``
file holds questions with quotes, a ``.csv`` or ``.tsv`` file the same as a spreadsheet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from eval.beir import CORPUS, judged_digest, read_beir, write_beir
from eval.dataset import Dataset, Qrels
from eval.evidence import locate
from eval.questions import Question, digest_of, listed, read_questions, write_questions
from eval.spreadsheet import read_spreadsheet, write_spreadsheet
from rag.errors import CasebookError
from rag.expansions import read_companions
from rag.source import Reading, read
from rag.types import Passage, Source

FileKind = Literal["jsonl", "csv", "tsv"]
"""A question file, by its suffix in lower case."""

Kind = Literal["beir"] | FileKind
"""A form of test collection: a BEIR folder or a question file."""

_FORMS = f"含 {CORPUS} 的 BEIR 文件夹、带引文的问题（.jsonl）、问题表格（.csv 或 .tsv）"


_NO_FOLDER = re.compile(r'^\.|[. ]$|[\x00-\x1f\x7f/\\:*?"<>|]')
"""What some file system takes for something else than the name of a visible folder."""


class DatasetError(CasebookError):
    """There is no test collection at a path, or it cannot take this form."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What `list_datasets` shows of one test collection.

    Attributes:
        name: Its file's stem or its folder's name.
        path: Where it is; what `load` takes.
        kind: Its form.
        questions: How many; None if it cannot be read.
        answerable: How many of them something answers; None if it cannot be read.
        documents: How many it brings along; None if it cannot be read, or is a question file, whose
            sources are named when it is loaded.
        fault: Why it cannot be read; empty if it can.
    """

    name: str
    path: Path
    kind: Kind
    questions: int | None
    answerable: int | None
    documents: int | None
    fault: str = ""


def load(path: Path, sources: Sequence[Path] = (), split: str | None = None) -> Dataset:
    """Load a test collection.

    Args:
        path: A BEIR folder or a question file.
        sources: Files and folders that the quotes of a question file stand in. A BEIR folder has
            its own documents, and these are not looked at.
        split: Which judgments of a BEIR folder; a question file has no splits.

    Returns:
        The dataset, named after the file's stem or the folder, with the split behind it where it
        is not the one that the folder has by itself.

    Raises:
        DatasetError: If the path is none of these, if a question file comes without sources or
            with a split, if a source cannot be read (its cases would count as misses), or if the
            name cannot be that of a folder of results.
        QuestionsError: If a question cannot be used, or its quote is in no source.
        CasebookError: Another subclass, if a BEIR folder is damaged.
    """
    kind = _kind_at(path)
    if kind == "beir":
        return _named(read_beir(path, split), path)
    if split is not None:
        message = f"{path}：问题文件没有划分，但指定了 {split}；请不要指定划分"
        raise DatasetError(message)
    questions = _read_file(path, kind)
    reading = _read_sources(path, sources)
    locate(questions, reading.sources, path)
    companions = read_companions(reading)
    if companions.failures:
        raise companions.failures[0]
    dataset = Dataset(
        name=path.stem,
        questions=questions,
        sources=reading.sources,
        judgments={},
        digest=digest_of(questions),
        expansions=companions.expansions,
    )
    return _named(dataset, path)


def load_questions(path: Path) -> tuple[Question, ...]:
    """Load what a test collection asks and nothing else, not even what would answer it.

    Args:
        path: A BEIR folder or a question file; in a file, no question needs evidence.

    Raises:
        DatasetError: If the path is none of these.
        CasebookError: Another subclass, if the folder or a question cannot be used.
    """
    kind = _kind_at(path)
    return read_beir(path).questions if kind == "beir" else _read_file(path, kind, judged=False)


def load_unanswerable(paths: Iterable[Path], taken: Iterable[str] = ()) -> list[Question]:
    """Read questions that nothing answers.

    Args:
        paths: Files of questions.
        taken: Ids that are in use already.

    Returns:
        The questions of all files, in their order.

    Raises:
        DatasetError: If a question has an answer, or its id is in use.
    """
    known = set(taken)
    unanswerable: list[Question] = []
    for path in paths:
        own = load_questions(path)
        if quoted := [question.question_id for question in own if question.quotes]:
            message = f"{path}：应是没有答案的问题，但{listed(quoted)}有引文；请作为题集给出"
            raise DatasetError(message)
        if again := [question.question_id for question in own if question.question_id in known]:
            message = f"{path}：{listed(again)}的 id 已在别的题里；请改用别的编号"
            raise DatasetError(message)
        known |= {question.question_id for question in own}
        unanswerable += own
    return unanswerable


def export(
    dataset: Dataset,
    path: Path,
    passages: Sequence[Passage] = (),
    qrels: Qrels | None = None,
) -> None:
    """Write a dataset in the form that the path's suffix names; without a suffix, as a BEIR folder.

    A BEIR folder needs judged documents. For a dataset with quotes these are its passages, under
    their ``passage_id``, with the judgments that follow from the quotes; the quotes themselves, and
    whether all or any of them are needed, have no place there.

    Args:
        dataset: What to write.
        path: A file or folder that does not exist yet.
        passages: For quotes to BEIR: every passage of the sources.
        qrels: For quotes to BEIR: question id -> ``passage_id`` -> grade.

    Raises:
        DatasetError: If something is at the path already, or the form is unknown, or cannot hold
            this dataset: documents judged without quotes in a question file, a quote that no
            passage holds in a BEIR folder.
        CasebookError: Another subclass, if a text or an id cannot be written.
        ValueError: If passages or judgments are needed and not given.
    """
    if path.exists():
        message = f"{path}：已经存在；请换一个名称，或先删除它"
        raise DatasetError(message)
    if not path.suffix:
        write_beir(path, dataset if dataset.by_document else _judged(dataset, passages, qrels))
        return
    kind = _kind_named(path)
    if kind is None:
        found = f"不能导出为 {path.suffix}"
        message = f"{path}：{found}；可以是 .jsonl、.csv、.tsv，或没有后缀的 BEIR 文件夹"
        raise DatasetError(message)
    if dataset.by_document:
        why = "判断的是整篇文档，没有引文，不能写成问题文件；请导出为 BEIR 文件夹"
        message = f"{path}：{dataset.name} {why}"
        raise DatasetError(message)
    if kind == "jsonl":
        write_questions(path, dataset.questions)
    else:
        write_spreadsheet(path, dataset.questions)


def list_datasets(folder: Path) -> tuple[Summary, ...]:
    """Summarise the test collections right below a folder, or the folder if it is one itself.

    Returns:
        By file name; one that cannot be read is there with its fault. Quotes are not compared with
        sources. Files of other kinds are left out.

    Raises:
        DatasetError: If there is no such folder.
    """
    if not folder.is_dir():
        message = f"{folder}：没有这个文件夹；请检查路径"
        raise DatasetError(message)
    if _kind_of(folder):
        return (_summary(folder, "beir"),)
    found = ((path, _kind_of(path)) for path in sorted(folder.iterdir()))
    return tuple(_summary(path, kind) for path, kind in found if kind)


def _named(dataset: Dataset, path: Path) -> Dataset:
    """Check that results can be kept in a folder of the dataset's name, on any system."""
    if _NO_FOLDER.search(dataset.name) or not dataset.name.strip():
        message = (
            f"{path}：题集名 {dataset.name!r} 不能用：它也是结果文件夹的名称，不能为空，"
            '不能以 . 开头、以空格或 . 结尾，也不能含有控制字符和 / \\ : * ? " < > |；请改名'
        )
        raise DatasetError(message)
    return dataset


def _summary(path: Path, kind: Kind) -> Summary:
    name = path.resolve().name if kind == "beir" else path.stem
    try:
        if kind == "beir":
            dataset = read_beir(path)
            asked, documents = dataset.questions, len(dataset.sources)
            answerable = sum(map(dataset.answerable, asked))
            return Summary(name, path, kind, len(asked), answerable, documents)
        asked = _read_file(path, kind, judged=False)
    except CasebookError as error:
        return Summary(name, path, kind, None, None, None, str(error))
    answerable = sum(bool(question.quotes) for question in asked)
    return Summary(name, path, kind, len(asked), answerable, None)


def _kind_at(path: Path) -> Kind:
    kind = _kind_of(path)
    if kind is None:
        found = "不是评测集" if path.exists() else "没有这个文件或文件夹"
        message = f"{path}：{found}；可以是 {_FORMS}"
        raise DatasetError(message)
    return kind


def _kind_of(path: Path) -> Kind | None:
    if path.is_dir():
        return "beir" if (path / CORPUS).is_file() else None
    return _kind_named(path) if path.is_file() else None


def _kind_named(path: Path) -> FileKind | None:
    suffix = path.suffix.lower().removeprefix(".")
    return next((kind for kind in get_args(FileKind) if kind == suffix), None)


def _read_file(path: Path, kind: FileKind, *, judged: bool = True) -> tuple[Question, ...]:
    read = read_questions if kind == "jsonl" else read_spreadsheet
    return read(path, judged=judged)


def _read_sources(path: Path, sources: Iterable[Path]) -> Reading:
    reading = read(sources)
    if reading.failures:
        listed = "\n".join(map(str, reading.failures))
        message = f"{path}：有原文读不了，其中的案例会被误算成漏检；请先改正：\n{listed}"
        raise DatasetError(message)
    if not reading.sources:
        message = f"{path}：问题的引文要在原文中核对；请给出原文的文件或文件夹"
        raise DatasetError(message)
    return reading


def _judged(dataset: Dataset, passages: Sequence[Passage], qrels: Qrels | None) -> Dataset:
    """Turn quotes into judged documents: the passages."""
    if not passages or qrels is None:
        message = "a dataset with quotes needs its passages and judgments to become a BEIR folder"
        raise ValueError(message)
    for question in dataset.questions:
        judged = any(grade > 0 for grade in qrels.get(question.question_id, {}).values())
        if question.quotes and not judged:
            found = f"问题 {question.question_id} 的引文没有一个段落完整包含"
            message = f"{dataset.name}：{found}，导出后会成为没有答案的问题；请用更长的段落"
            raise DatasetError(message)
    documents = tuple(map(_document, passages))
    digest = judged_digest(dataset.questions, qrels)
    return replace(dataset, sources=documents, judgments=qrels, digest=digest)


def _document(passage: Passage) -> Source:
    sha256 = hashlib.sha256(passage.text.encode("utf-8")).hexdigest()
    return Source(passage.passage_id, sha256, "utf-8", passage.text)
