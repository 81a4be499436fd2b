"""``casebook expand``: drafts of the questions that passages answer, and their acceptance."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from index.cli import AsJson, ModelsFolder, progress_bars
from rag.chunk import DEFAULT_CUT, Cut
from rag.errors import CasebookError, SourceError
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER, DEFAULT_MODEL

if TYPE_CHECKING:
    from rag.expand import Pace, Plan, Run
    from rag.source import Reading

app = typer.Typer()

DEFAULT_CACHE = Path("var/expand/answers.jsonl")

_EXIT_INCOMPLETE = 3
_EXIT_INTERRUPTED = 130
_MOST_JOBS = 16
_NO_MODEL = (
    "没有指定语言模型：请用 --llm openai:模型名@http://主机/v1 或环境变量 CASEBOOK_LLM 指定"
    "（密钥放在 CASEBOOK_LLM_KEY）。没有模型也可以自己写：在 案例.txt 旁放 案例.questions.jsonl，"
    '一行一段，形如 {"start": 0, "end": 120, "questions": ["……", "……"]}'
)


@app.command()
def expand(
    paths: Annotated[list[Path], typer.Argument(help="案例文件（.txt、.md）或文件夹。")],
    *,
    llm: Annotated[
        str,
        typer.Option(
            envvar="CASEBOOK_LLM",
            help="写问法的语言模型：openai:模型名@http://主机/v1（OpenAI 兼容）；密钥放在环境变量 CASEBOOK_LLM_KEY。",
        ),
    ] = "",
    accept: Annotated[
        bool,
        typer.Option("--accept", help="把看过的草稿并入 案例.questions.jsonl，供 build 使用。"),
    ] = False,
    realign: Annotated[
        bool,
        typer.Option("--realign", help="原文改动后，按每行的 quote 把问法移到它现在的位置。"),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="不问模型，只看要问多少段，并显示一段怎样问。")
    ] = False,
    again: Annotated[
        bool, typer.Option("--all", help="已有问法的段落也问；原有的问法保留。")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="这一次最多问多少段。")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=_MOST_JOBS, help="同时问几段。")] = 2,
    models: ModelsFolder = DEFAULT_FOLDER,
    model: Annotated[
        str,
        typer.Option(
            envvar="CASEBOOK_MODEL", help="句向量模型：段落按它的词元切分，与 build 相同。"
        ),
    ] = DEFAULT_MODEL,
    max_tokens: Annotated[
        int, typer.Option(min=16, help="每个段落最多多少个词元，与 build 相同。")
    ] = DEFAULT_CUT.max_tokens,
    cache: Annotated[Path, typer.Option(help="存放模型回答的文件；问过的不再问。")] = DEFAULT_CACHE,
    as_json: AsJson = False,
) -> None:
    """请语言模型为每个段落写预设问法，存为草稿；看过、改过之后用 --accept 采用。

    草稿是案例旁的 案例.questions.draft.jsonl，一行一段，可以增删改；build 从不读草稿。
    模型的每个回答随即存下，中断（Ctrl-C）后再运行就接着写。

    退出码：0 完成；1 出错，已写好的留在草稿里；2 参数有误；
    3 完成，但有段落没有写成、有行找不到位置，或有文件被跳过；130 中断。
    """
    from rag.source import read  # noqa: PLC0415 -- these take a while, which --help should not

    if accept + realign + dry_run > 1:
        what = "--accept、--realign、--dry-run 只能用一个"
        raise typer.BadParameter(what)
    with errors_in_words():
        reading = read(paths)
        if not reading.sources:
            what = "没有可以读的案例文件"
            raise SourceError(what, "".join(f"\n  {failure}" for failure in reading.failures))
        if accept:
            code = _accept(reading, as_json=as_json)
        elif realign:
            code = _realign(reading, as_json=as_json)
        elif not (llm or dry_run):
            raise CasebookError(_NO_MODEL)
        else:
            from rag.encoders import load_encoder  # noqa: PLC0415 -- as above
            from rag.expand import Pace, plan  # noqa: PLC0415 -- as above

            encoder = load_encoder(model, models)
            planned = plan(reading, encoder, cut=Cut(max_tokens), again=again)
            if dry_run:
                code = _show(planned, llm, cache, as_json=as_json)
            else:
                code = _write(planned, llm, cache, Pace(jobs, limit), as_json=as_json)
    for failure in reading.failures:
        typer.echo(f"已跳过 {failure}", err=True)
    if code or reading.failures:
        raise typer.Exit(code or _EXIT_INCOMPLETE)


def _accept(reading: Reading, *, as_json: bool) -> int:
    """Move the drafts to where builds read them."""
    from rag.drafts import accept_drafts  # noqa: PLC0415 -- as above

    accepted = accept_drafts(reading)
    if as_json:
        _print_json(
            {
                "accepted": [
                    {"file": str(a.companion), "passages": a.runs, "questions": a.questions}
                    for a in accepted
                ],
                "skipped": [str(failure) for failure in reading.failures],
            }
        )
        return 0
    for a in accepted:
        typer.echo(f"已采用 {a.runs} 段、{a.questions} 个新问法：{a.companion}")
    typer.echo("重新运行 casebook build 后生效。")
    return 0


def _realign(reading: Reading, *, as_json: bool) -> int:
    """Move lines to where their quotes stand."""
    from rag.realign import realign  # noqa: PLC0415 -- as above

    changed = realign(reading)
    if as_json:
        _print_json(
            {
                "realigned": [
                    {"file": str(r.file), "moved": r.moved, "lost": list(r.lost)} for r in changed
                ],
                "skipped": [str(failure) for failure in reading.failures],
            }
        )
    for r in changed:
        if not as_json:
            typer.echo(f"{r.file}：移动了 {r.moved} 行")
        if r.lost:
            rows = "、".join(map(str, r.lost))
            what = "quote 在原文里找不到，或不止一处；请改正或删去"
            typer.echo(f"{r.file}：第 {rows} 行的 {what}", err=True)
    if not (changed or as_json):
        typer.echo("每一行都与原文相符，没有要移动的。")
    return _EXIT_INCOMPLETE if any(r.lost for r in changed) else 0


def _show(planned: Plan, llm: str, cache: Path, *, as_json: bool) -> int:
    """Say what would be asked, and show one prompt."""
    from rag.chat import config_of  # noqa: PLC0415 -- as above
    from rag.expand import keys_of  # noqa: PLC0415 -- as above
    from rag.question_cache import QuestionCache  # noqa: PLC0415 -- as above

    asked = keys_of(planned.tasks, config_of(llm).model if llm else "")
    kept = 0
    if llm and cache.is_file():
        with QuestionCache(cache) as answers:
            kept = sum(bool(answers.get(key)) for key in asked)
    prompt = planned.tasks[0].prompt if planned.tasks else ()
    if as_json:
        _print_json(
            {
                "passages": planned.passages,
                "missing": len(planned.tasks),
                "requests": len(asked) - kept,
                "prompt": [{"role": turn.role, "content": turn.content} for turn in prompt],
                "skipped": [str(failure) for failure in planned.reading.failures],
            }
        )
        return 0
    typer.echo(
        f"{planned.passages} 个段落，{len(planned.tasks)} 个要写问法；"
        f"须问模型 {len(asked) - kept} 次（内容相同的只问一次，问过的 {kept} 次不再问）。"
    )
    for turn in prompt:
        typer.echo(f"\n[{turn.role}]\n{turn.content}")
    return 0


def _write(planned: Plan, llm: str, cache: Path, pace: Pace, *, as_json: bool) -> int:
    """Ask the model, and say what came of it."""
    from rag.chat import ChatClient, config_of  # noqa: PLC0415 -- as above
    from rag.expand import GIVE_UP  # noqa: PLC0415 -- as above
    from rag.expand import expand as write_drafts  # noqa: PLC0415 -- as above
    from rag.pool import pausing  # noqa: PLC0415 -- as above
    from rag.question_cache import QuestionCache  # noqa: PLC0415 -- as above

    stop = threading.Event()
    with (
        closing(ChatClient(config_of(llm), sleep=pausing(stop))) as chat,
        QuestionCache(cache) as answers,
        _first_interrupt_sets(stop),
        progress_bars() as progress,
    ):
        run = write_drafts(planned, chat, answers, pace=pace, stop=stop, on_progress=progress)
    if as_json:
        _print_json(_json_of(planned, run))
    else:
        _print(planned, run)
    for failure in run.failures:
        passage = failure.task.passage
        place = f"{failure.task.case.source.name} [{passage.span.start}:{passage.span.end}]"
        typer.echo(f"没有写成 {place}：{failure.why}", err=True)
    if run.ended == "gave_up":
        typer.echo(f"错误：接连 {GIVE_UP} 段没有写成，不再问下去；原因见上", err=True)
        return 1
    if run.ended == "interrupted":
        typer.echo("已中断；再次运行就接着写，写好的不会再问", err=True)
        return _EXIT_INTERRUPTED
    return _EXIT_INCOMPLETE if run.failures else 0


def _print(planned: Plan, run: Run) -> None:
    """Say what a run did, and what to do next."""
    known = planned.passages - len(planned.tasks)
    typer.echo(
        f"{planned.passages} 个段落：{known} 个早有问法；写好 {run.written} 个，共 {run.questions} 个问法"
        f"（其中 {run.cached} 个段落取自以前的回答）；没有写成 {len(run.failures)} 个，还没有问 {run.left} 个"
    )
    for draft in run.drafts:
        typer.echo(f"草稿：{draft}")
    if run.drafts:
        typer.echo("请查看草稿（一行一段，可增删改），再运行 casebook expand 路径 --accept 采用。")


def _json_of(planned: Plan, run: Run) -> dict[str, object]:
    return {
        "passages": planned.passages,
        "missing": len(planned.tasks),
        "written": run.written,
        "cached": run.cached,
        "questions": run.questions,
        "left": run.left,
        "failures": [
            {
                "file": failure.task.case.source.name,
                "start": failure.task.passage.span.start,
                "end": failure.task.passage.span.end,
                "why": failure.why,
            }
            for failure in run.failures
        ],
        "drafts": [str(draft) for draft in run.drafts],
        "ended": run.ended,
        "skipped": [str(failure) for failure in planned.reading.failures],
    }


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def _first_interrupt_sets(stop: threading.Event) -> Iterator[None]:
    """Let the first Ctrl-C end a run in good order; the second ends it at once."""

    def interrupted(_number: int, _frame: FrameType | None) -> None:
        # First: setting the event takes a lock, which may be held by what was interrupted.
        signal.signal(signal.SIGINT, usual)
        stop.set()
        # Not through the stream: it may be in the middle of a write, which cannot be entered again.
        said = "正在等已发出的请求返回，以便存下回答；再按一次 Ctrl-C 立即停止\n"
        os.write(sys.stderr.fileno(), said.encode(sys.stderr.encoding, "replace"))

    usual = signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
