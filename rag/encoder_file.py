"""``encoder.json``: what a prepared model folder says about itself.

Written by ``rag.preparation.prepare``, read by ``rag.embed`` at every start. Reading is strict,
since a misread prompt or length would not fail but quietly give worse vectors.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from rag.digest import file_sha256
from rag.encoder import EncoderIdentity
from rag.errors import ModelError

FILE_NAME = "encoder.json"
GRAPH_NAME = "model.onnx"
QUESTION_GRAPH_NAME = "model.int8.onnx"
TOKENIZER_NAME = "tokenizer.json"

FORMAT = 2  # Bump when a key is added, removed or changes its meaning.


@dataclass(frozen=True, slots=True)
class Parity:
    """How closely a graph follows what it was made from.

    Attributes:
        sentences: How many sentences were compared.
        min_cosine: Cosine of the worst of them, at most 1.
        mean_cosine: Their mean, over every comparison made.
    """

    sentences: int
    min_cosine: float
    mean_cosine: float


@dataclass(frozen=True, slots=True)
class GraphRecord:
    """One graph of the folder.

    Attributes:
        sha256: Digest of its file; empty where the folder has no such graph.
        data_sha256: Digest of ``<file>.data``; empty where the graph holds its weights itself.
        parity: Proof that it is right, or why it is not there.
    """

    sha256: str
    data_sha256: str
    parity: Parity


@dataclass(frozen=True, slots=True)
class EncoderFile:
    """The content of ``encoder.json``.

    Attributes:
        format: ``FORMAT`` at the time of writing.
        identity: What the index manifest records.
        source: What to pass to ``casebook model prepare`` to make this folder again.
        licence: The weights' licence in one line, as far as it is known.
        pad_id: Token id that fills up the shorter rows of a batch.
        graph: ``model.onnx``, which encodes passages, against sentence-transformers.
        question_graph: ``model.int8.onnx``, which encodes questions, against ``model.onnx``; where
            it strayed too far it is not there, and ``model.onnx`` encodes them too.
        tokenizer_sha256: Digest of ``tokenizer.json``.
        exported_with: Versions of the libraries that exported it.
    """

    format: int
    identity: EncoderIdentity
    source: str
    licence: str
    pad_id: int
    graph: GraphRecord
    question_graph: GraphRecord
    tokenizer_sha256: str
    exported_with: str

    @property
    def question_graph_name(self) -> str:
        """File of the graph that encodes questions."""
        return QUESTION_GRAPH_NAME if self.question_graph.sha256 else GRAPH_NAME


def prepare_command(name: str) -> str:
    """Say what to run to prepare a model, or to repair it.

    >>> prepare_command("m3e-small")
    'casebook model prepare m3e-small'
    """
    return f"casebook model prepare {name}"


def write_encoder_file(folder: Path, record: EncoderFile) -> None:
    """Write ``encoder.json`` into a folder that is being prepared."""
    text = json.dumps(asdict(record), ensure_ascii=False, indent=2)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def read_encoder_file(folder: Path) -> EncoderFile:
    """Read ``encoder.json`` of a prepared folder; the other files are not looked at.

    Raises:
        ModelError: If the file is missing, is not JSON, has another format, lacks a key, has one
            too many, or a value of the wrong type.
    """
    path = folder / FILE_NAME
    repair = f"请运行：{prepare_command(model_name(folder.name))}"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"{folder} 里没有准备好的模型（缺少 {FILE_NAME}）；{repair}"
        raise ModelError(message) from None
    except ValueError as error:  # not UTF-8, or not JSON
        message = f"{path} 不是 JSON（{error}）；{repair} --force"
        raise ModelError(message) from error
    found = record.get("format") if isinstance(record, dict) else None
    if found != FORMAT:
        message = f"{path} 的格式是 {found!r}，本版本使用 {FORMAT}；{repair} --force"
        raise ModelError(message)
    try:
        parsed: EncoderFile = _parse(EncoderFile, record, "")
    except ValueError as error:
        message = f"{path}：{error}；{repair} --force"
        raise ModelError(message) from error
    return parsed


def data_name(graph: str) -> str:
    """Name the file that may hold a graph's weights, beside it.

    >>> data_name("model.onnx")
    'model.onnx.data'
    """
    return f"{graph}.data"


def verify_files(folder: Path, record: EncoderFile, *, only: Collection[str] | None = None) -> None:
    """Compare the files of a folder with the digests in ``encoder.json``.

    Args:
        folder: A prepared folder.
        record: Its ``encoder.json``.
        only: Names of the tokenizer or of graphs, each together with its weights; hashing reads
            every byte, so whoever needs one file asks for it alone. None: all of them.

    Raises:
        ModelError: If a file is missing or has changed; names it and the command that repairs it.
    """
    expected = [(TOKENIZER_NAME, TOKENIZER_NAME, record.tokenizer_sha256)]
    for name, graph in (
        (GRAPH_NAME, record.graph),
        (QUESTION_GRAPH_NAME, record.question_graph),
    ):
        expected += [(name, name, graph.sha256), (name, data_name(name), graph.data_sha256)]
    repair = f"请运行：{prepare_command(record.source)} --force"
    for part, name, digest in expected:
        if not digest or (only is not None and part not in only):
            continue
        path = folder / name
        if not path.is_file():
            message = f"缺少 {path}；{repair}"
            raise ModelError(message)
        found = file_sha256(path)
        if found != digest:
            message = f"{path} 的 sha256 是 {found}，{FILE_NAME} 记录的是 {digest}；{repair}"
            raise ModelError(message)


def folder_name(name: str) -> str:
    """Turn a model's name into the name of its prepared folder.

    >>> folder_name("BAAI/bge-small-zh-v1.5")
    'BAAI__bge-small-zh-v1.5'
    """
    return name.replace("/", "__")


def model_name(folder: str) -> str:
    """Turn the name of a prepared folder back into the model's name.

    >>> model_name("BAAI__bge-small-zh-v1.5")
    'BAAI/bge-small-zh-v1.5'
    """
    return folder.replace("__", "/")


def _parse(kind: Any, record: object, where: str) -> Any:
    """Build a dataclass from JSON whose keys and types must be exactly its own."""
    if not isinstance(record, dict):
        message = f"键 {where.rstrip('.')} 是 {record!r}，应为 JSON 对象"
        raise ValueError(message)  # noqa: TRY004 -- the caller turns every misreading into one error
    expected = {field.name for field in fields(kind)}
    if missing := sorted(expected - record.keys()):
        message = f"缺少键 {where}{missing[0]}"
        raise ValueError(message)
    if unknown := sorted(record.keys() - expected):
        message = f"有未知的键 {where}{unknown[0]}"
        raise ValueError(message)
    values: dict[str, object] = {}
    for name, hint in get_type_hints(kind).items():
        value = record[name]
        if is_dataclass(hint):
            value = _parse(hint, value, f"{where}{name}.")
        elif type(value) is not hint:  # exact: True is not a length
            message = f"键 {where}{name} 是 {value!r}，应为 {hint.__name__}"
            raise ValueError(message)
        values[name] = value
    return kind(**values)
