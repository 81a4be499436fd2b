"""``encoder.json``: what a prepared model folder says about itself.

Written by ``rag.preparation.prepare``, read by ``rag.embed`` at every start. Reading is strict,
since a misread prompt or length would not fail but quietly give worse vectors.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from rag.digest import file_sha256
from rag.encoder import EncoderIdentity
from rag.errors import ModelError

FILE_NAME = "encoder.json"
GRAPH_NAME = "model.onnx"
GRAPH_DATA_NAME = "model.onnx.data"
TOKENIZER_NAME = "tokenizer.json"

FORMAT = 1  # Bump when a key is added, removed or changes its meaning.


@dataclass(frozen=True, slots=True)
class Parity:
    """How closely the exported graph follows sentence-transformers.

    Attributes:
        sentences: How many sentences were compared.
        min_cosine: Cosine of the worst of them, at most 1.
    """

    sentences: int
    min_cosine: float


@dataclass(frozen=True, slots=True)
class EncoderFile:
    """The content of ``encoder.json``.

    Attributes:
        format: ``FORMAT`` at the time of writing.
        identity: What the index manifest records.
        source: What to pass to ``casebook model prepare`` to make this folder again.
        licence: The weights' licence in one line, as far as it is known.
        pad_id: Token id that fills up the shorter rows of a batch.
        graph_sha256: Digest of ``model.onnx``.
        graph_data_sha256: Digest of ``model.onnx.data``; empty where the graph holds its weights
            itself, as all but the largest do.
        tokenizer_sha256: Digest of ``tokenizer.json``.
        parity: Proof that the export is right.
        exported_with: Versions of the libraries that exported it.
    """

    format: int
    identity: EncoderIdentity
    source: str
    licence: str
    pad_id: int
    graph_sha256: str
    graph_data_sha256: str
    tokenizer_sha256: str
    parity: Parity
    exported_with: str


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


def verify_files(folder: Path, record: EncoderFile) -> None:
    """Compare graph and tokenizer with the digests in ``encoder.json``.

    Raises:
        ModelError: If a file is missing or has changed; names it and the command that repairs it.
    """
    expected = {GRAPH_NAME: record.graph_sha256, TOKENIZER_NAME: record.tokenizer_sha256}
    if record.graph_data_sha256:
        expected[GRAPH_DATA_NAME] = record.graph_data_sha256
    for name, digest in expected.items():
        path = folder / name
        repair = f"请运行：{prepare_command(record.source)} --force"
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
