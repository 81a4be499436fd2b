"""``casebook model``: prepare an encoder for serving, and list what is prepared."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from rag.encoder_file import EncoderFile
from rag.errors import CasebookError
from rag.models import DEFAULT_FOLDER, DEFAULT_MODEL, PreparedModel, prepared_models
from rag.preparation.catalogue import KNOWN_MODELS, KnownModel

if TYPE_CHECKING:
    from rag.preparation.prepare import Preparation, Request

app = typer.Typer(name="model", help="句向量模型：准备与查看。", no_args_is_help=True)

ModelsFolder = Annotated[
    Path,
    typer.Option("--models", envvar="CASEBOOK_MODELS", help="存放已准备模型的目录。"),
]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出。")]

# Bundled with a checkout, absent from an installed package.
_CORPUS = Path(__file__).parent.parent / "data" / "shanghai-2022-business-environment-cases.txt"

_STEP_LABELS = {
    "fetch": "获取模型文件",
    "load": "载入原模型",
    "export": "导出为 ONNX",
    "prove": "与原模型逐句核对",
    "quantize": "为问题生成 8 位图并核对",
}


@app.command("prepare", help="准备一个模型：获取、导出、核对；之后检索不再需要 torch。")
def prepare_command(
    name: Annotated[
        str, typer.Argument(help="模型名、模型目录，或模型库中的名称。")
    ] = DEFAULT_MODEL,
    *,
    models: ModelsFolder = DEFAULT_FOLDER,
    force: Annotated[bool, typer.Option("--force", help="已准备好也重新生成。")] = False,
    query_prompt: Annotated[
        str | None, typer.Option(help="加在每个问题前的指令；不写则用模型自带的。")
    ] = None,
    passage_prompt: Annotated[
        str | None, typer.Option(help="加在每段原文前的指令；不写则用模型自带的。")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a model, unless an intact one is there."""
    from rag.preparation.prepare import Request  # noqa: PLC0415 -- onnxruntime: not for --help

    request = Request(name, query_prompt=query_prompt, passage_prompt=passage_prompt)
    try:
        done = _prepare_with_progress(request, models, force=force)
    except CasebookError as error:
        raise _failed(error) from None
    if as_json:
        result = {"folder": str(done.folder), "built": done.built, **asdict(done.record)}
        typer.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    identity, parity = done.record.identity, done.record.graph.parity
    state = "已准备好" if done.built else "早已准备好，文件完好（重新生成请加 --force）"
    typer.echo(
        f"{identity.name} {state}：{done.folder}，{identity.dimension} 维；"
        f"与原模型在 {parity.sentences} 句上的最低余弦 {parity.min_cosine:.6f}；"
        f"问题：{_questions(done.record)}；"
        f"许可：{done.record.licence}"
    )


@app.command("list", help="列出已知的和已准备好的模型。")
def list_command(*, models: ModelsFolder = DEFAULT_FOLDER, as_json: AsJson = False) -> None:
    """List known and prepared models."""
    try:
        prepared = {model.record.identity.name: model for model in prepared_models(models)}
    except CasebookError as error:
        raise _failed(error) from None
    names = sorted(KNOWN_MODELS.keys() | prepared.keys())
    rows = [_row(KNOWN_MODELS.get(name), prepared.get(name)) for name in names]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("模型", "已准备", "维度", "占用", "问题", "许可"):
        table.add_column(title)
    for row in rows:
        table.add_row(
            row.name,
            "是" if row.prepared else "否",
            str(row.dimension or "—"),
            f"{row.size_bytes / 1e6:.0f} MB" if row.size_bytes else "—",
            row.questions,
            row.licence,
        )
    Console().print(table)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of ``model list``; ``questions`` says by which graph they are encoded."""

    name: str
    prepared: bool
    dimension: int | None
    size_bytes: int | None
    questions: str
    licence: str
    title: str


def _row(known: KnownModel | None, ready: PreparedModel | None) -> _Row:
    """Describe a model that is known, prepared, or both."""
    record = ready.record if ready else None
    return _Row(
        name=known.name if known else record.identity.name if record else "",
        prepared=ready is not None,
        dimension=record.identity.dimension if record else None,
        size_bytes=ready.size_bytes if ready else None,
        questions=_questions(record) if record else "—",
        licence=known.licence if known else record.licence if record else "",
        title=known.title if known else "",
    )


def _questions(record: EncoderFile) -> str:
    """Say by which graph questions are encoded, and how near the 8-bit one comes at worst."""
    cosine = f"余弦 {record.question_graph.parity.min_cosine:.4f}"
    return f"8 位，{cosine}" if record.question_graph.sha256 else f"fp32（8 位图{cosine}，过低）"


def _prepare_with_progress(request: Request, models: Path, *, force: bool) -> Preparation:
    """Prepare, with the current step and the time it has taken on standard error."""
    from rag.preparation.parity import BUILT_IN_SENTENCES, sentences_of  # noqa: PLC0415 -- as above
    from rag.preparation.prepare import Step, prepare  # noqa: PLC0415 -- as above

    sentences = sentences_of(_CORPUS) if _CORPUS.is_file() else BUILT_IN_SENTENCES
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("检查", total=None)

        def show(step: Step) -> None:
            progress.update(task, description=_STEP_LABELS[step.value])

        return prepare(request, models, sentences=sentences, force=force, on_step=show)


def _failed(error: CasebookError) -> typer.Exit:
    """Print an error in one line; the exit status is 1, as for every error on purpose."""
    typer.echo(f"错误：{' '.join(str(error).split())}", err=True)
    return typer.Exit(1)
