"""``casebook lexicon check``: what a change of the lexicon does, before it goes live."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from eval.cli_run import DEV_QUESTIONS, VECTORS, Datasets, Sources, Split, Systems, loaded
from eval.terminal import console_for, print_comparisons, print_records
from index.cli import DEFAULT_INDEX, AsJson, IndexFolder, ModelsFolder, progress_bars
from rag.exits import errors_in_words
from rag.models import DEFAULT_FOLDER

if TYPE_CHECKING:
    from eval.lexicon_effect import Effect, Use
    from rag.lexicon import Lexicon

app = typer.Typer(name="lexicon", help="口语词表：日常说法 → 规范用语。", no_args_is_help=True)

_EXIT_WORSE = 3
_SHOWN = 30
"""Keys listed on the terminal; ``--json`` has all."""


@app.callback()
def _group() -> None:
    """口语词表：日常说法 → 规范用语。"""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="要试的词表：日常说法<制表符>规范用语|规范用语。")],
    datasets: Datasets = None,
    *,
    system: Annotated[
        list[str] | None,
        typer.Option(help="在哪些系统上试，可重复；默认为随附的默认系统，有、无预设问法各一次。"),
    ] = None,
    systems: Systems = None,
    sources: Sources = None,
    split: Split = None,
    index: IndexFolder = DEFAULT_INDEX,
    models: ModelsFolder = DEFAULT_FOLDER,
    as_json: AsJson = False,
) -> None:
    """换上一份词表会怎样：逐行核对，再与索引里正在用的词表成对比较，不改动索引。

    退出码：0 没有看出变差；1 词表有误，或出错；2 参数有误；3 首要指标可测地变差。
    """
    from eval.lexicon_effect import corrected, effects_of, systems_for, uses_of  # noqa: PLC0415
    from eval.parts import require_names  # noqa: PLC0415 -- numpy, faiss: not for --help
    from eval.systems import BUNDLED, chosen, read_systems  # noqa: PLC0415
    from eval.workbench import Workbench  # noqa: PLC0415
    from rag.lexicon_file import LEXICON  # noqa: PLC0415

    with errors_in_words(), progress_bars() as progress:
        lexicon = _sound(file)
        names = system or ["hybrid-text", "hybrid"]
        declared = [s for s in chosen(read_systems(systems or BUNDLED), names) if s.name in names]
        collections = [loaded(path, sources, split) for path in datasets or [DEV_QUESTIONS]]
        require_names(collections)
        used = index / LEXICON if (index / LEXICON).exists() else None
        effects: list[Effect] = []
        for collection in collections:
            with Workbench(collection, models, VECTORS, progress) as bench:
                asked = systems_for(collection, declared)
                tried = effects_of(bench, asked, used=used, candidate=file, lexicon=lexicon)
                for done, effect in enumerate(tried, start=1):
                    effects.append(effect)
                    progress(f"{collection.name}：前后各问一遍", done, len(asked))
        questions = [question.text for each in collections for question in each.questions]
    uses = uses_of(lexicon, questions)
    results = corrected(effects)
    worse = any(effect.worse for effect in results)
    if as_json:
        record = {
            "file": file,
            "used": used,
            "questions": len(questions),
            "keys": [asdict(use) for use in uses],
            "effects": [{**asdict(effect), "worse": effect.worse} for effect in results],
        }
        print_records([record])
    else:
        typer.echo(
            f"{file}：{len(lexicon.entries)} 个说法，没有错行；对照：{used or '没有在用的词表'}"
        )
        _print_uses(uses, len(questions))
        for effect in results:
            _print_effect(effect)
    if worse:
        raise typer.Exit(_EXIT_WORSE)


def _sound(file: Path) -> Lexicon:
    """Read a lexicon; tell every faulty line and end if there is one."""
    from rag.lexicon import bytes_of, parse_lexicon  # noqa: PLC0415

    reading = parse_lexicon(bytes_of(file), str(file))
    for fault in reading.faults:
        typer.echo(f"错误：{fault}", err=True)
    if reading.faults:
        raise typer.Exit(1)
    return reading.lexicon


def _print_uses(uses: tuple[Use, ...], questions: int) -> None:
    table = Table(
        "说法", "题数", "带来的规范用语", title=f"{questions} 题中出现了 {len(uses)} 个说法"
    )
    for use in uses[:_SHOWN]:
        brought = "、".join(use.terms) or "没有：规范用语都含有它自己"
        table.add_row(Text(use.key), str(use.questions), Text(brought, overflow="fold"))
    console_for().print(table)
    if len(uses) > _SHOWN:
        typer.echo(f"另有 {len(uses) - _SHOWN} 个，见 --json")


def _print_effect(effect: Effect) -> None:
    name = f"{effect.system}@{effect.dataset}"
    print_comparisons(effect.comparisons, effect.comparisons[0].measure, f"{name}：换上词表前后")
    before, after = effect.refused
    typer.echo(f"{name}：拒答 {before} → {after} 题；{len(effect.moves)} 题的首个答案换了名次")
    if not effect.moves:
        return
    table = Table("题", "名次", "说法", "问题")
    for move in effect.moves:
        ranks = f"{move.before or '没有'} → {move.after or '没有'}"
        keys = "、".join(move.keys) or "—"
        table.add_row(move.question_id, ranks, Text(keys), Text(move.text, overflow="fold"))
    console_for().print(table)
