"""Systems: named, declared configurations of the product, read from a TOML file."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import get_args, get_type_hints

from index.postings import Bm25
from index.recipe import DEFAULT_RECIPE, Keys, Recipe
from rag.chunk import Cut
from rag.errors import CasebookError
from rag.models import DEFAULT_MODEL
from rag.tuning import DEFAULT_WEIGHTS, Weights

BUNDLED = Path(__file__).parent / "systems.toml"
_NAME = re.compile(r"[^\W_][\w.+=-]*")
_FROM_FILE = ("./", "../")
"""What a path begins with that is seen from the file; hub names hold a ``/`` too."""
REFERENCE = "bm25"
"""The row that every table has: character bigrams need no model and are hard to beat."""


class SystemsError(CasebookError):
    """A file of systems, or a choice among them, cannot be used."""


@dataclass(frozen=True, slots=True)
class _Range:
    """The numbers that a field takes, as a test and in words; no test passes nan."""

    field: str
    allows: Callable[[float], bool]
    words: str


_RANGES = (
    *(
        _Range(field, lambda value: 0 <= value <= 1, "在 0 与 1 之间")
        for field in ("dense", "late", "b", "expansion")
    ),
    # A term of weight 1 would count as one of the question's own.
    _Range("lexical", lambda value: 0 <= value < 1, "不小于 0 且小于 1"),
    _Range("k1", lambda value: 0 <= value < math.inf, "是不小于 0 的有限数"),
    _Range("max_tokens", lambda value: value >= 1, "不小于 1"),
)
_WORDS: Mapping[object, str] = {str: "字符串", bool: "true 或 false", int: "整数", float: "数"}


@dataclass(frozen=True, slots=True)
class System:
    """One configuration; every field has the product's own default.

    Attributes:
        name: What reports call it; letters, digits and ``_ . + = -``, the first a letter or digit.
            It is also the name of a folder and the tag of a run file.
        about: One line for tables.
        against: Name of the system that its row is compared with, one declared before it; empty
            for the row above.
        encoder: A prepared model, or ``openai:MODEL@URL``.
        max_tokens: Passage size in the encoder's tokens, 1 or more.
        keys: What is encoded, every sentence or every passage.
        dense: Share of the scores by vector, in [0, 1]; 0 leaves vectors out, 1 leaves terms out.
        late: Share of late interaction, in [0, 1]; 0 leaves it out.
        k1: Of BM25, 0 or more.
        b: Of BM25, in [0, 1].
        expansions: Whether the question expansions beside the sources are used.
        expansion: Their share, in [0, 1].
        lexicon: File of everyday and official terms; empty for none.
        lexical: Weight of a term that only the lexicon brings, in [0, 1).
        reranker: A cross-encoder by its hub name or folder; empty for none.
    """

    name: str
    about: str = ""
    against: str = ""
    encoder: str = DEFAULT_MODEL
    max_tokens: int = DEFAULT_RECIPE.cut.max_tokens
    keys: Keys = DEFAULT_RECIPE.keys
    dense: float = DEFAULT_WEIGHTS.dense
    late: float = DEFAULT_WEIGHTS.late
    k1: float = DEFAULT_RECIPE.bm25.k1
    b: float = DEFAULT_RECIPE.bm25.b
    expansions: bool = DEFAULT_RECIPE.expansions
    expansion: float = DEFAULT_WEIGHTS.expansions
    lexicon: str = ""
    lexical: float = DEFAULT_WEIGHTS.lexicon
    reranker: str = ""

    @property
    def recipe(self) -> Recipe:
        """What its index is made by; systems of equal encoder and recipe share one."""
        return Recipe(
            cut=Cut(self.max_tokens),
            keys=self.keys,
            bm25=Bm25(self.k1, self.b),
            expansions=self.expansions,
            late=self.late > 0,
        )

    @property
    def weights(self) -> Weights:
        """What its retriever weighs by."""
        return Weights(self.dense, self.late, self.expansion, self.lexical)

    def configuration(self) -> dict[str, object]:
        """Every field, for a result's provenance."""
        return asdict(self)


def read_systems(file: Path = BUNDLED) -> tuple[System, ...]:
    """Read the systems that a file declares, in its order.

    A lexicon is named as seen from the file, and so is a reranker that begins with ``./`` or
    ``../``; any other reranker stays as it is.

    Raises:
        SystemsError: If the file is missing or not TOML, declares nothing, a name or a field cannot
            be used, a value has another type or is out of range, a system is set against one that
            does not come before it, or the reference is another than the bundled one.
    """
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        message = f"{file}：读不了（{error.strerror}）；应为声明系统的 TOML 文件，请检查路径"
        raise SystemsError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{file}：不是 TOML（{error}）；写法见随附的 {BUNDLED.name}"
        raise SystemsError(message) from error
    systems: list[System] = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            message = f"{file}：{name} 应是一节，写作 [{name}]"
            raise SystemsError(message)
        system = system_of(name, table, str(file))
        if system.lexicon:
            system = replace(system, lexicon=str((file.parent / system.lexicon).resolve()))
        if system.reranker.startswith(_FROM_FILE):
            system = replace(system, reranker=str((file.parent / system.reranker).resolve()))
        systems.append(system)
    if not systems:
        message = f"{file}：没有声明任何系统；每个系统一节，写作 [名称]"
        raise SystemsError(message)
    _require_order(systems, file)
    if file != BUNDLED:
        _require_reference(systems, file)
    return tuple(systems)


def system_of(name: str, values: Mapping[str, object], where: str) -> System:
    """Make a system of declared values.

    Args:
        name: Its name.
        values: By field; fields left out have their defaults.
        where: What messages call the origin.

    Raises:
        SystemsError: If the name cannot be a folder's, a field is unknown, or its value has another
            type or is out of range.
    """
    if not _NAME.fullmatch(name):
        message = (
            f"{where}：系统名 {name!r} 不能用：它也是结果文件夹的名称，"
            "只能含文字、数字和 _ . + = -，并以文字或数字开头"
        )
        raise SystemsError(message)
    types = get_type_hints(System)
    known = [field.name for field in fields(System) if field.name != "name"]
    for field, value in values.items():
        if field not in known:
            message = f"{where}：{name} 的字段 {field} 不认识；可用：{'、'.join(known)}"
            raise SystemsError(message)
        expected = types[field]
        if not _fits(value, expected):
            wanted = " 或 ".join(get_args(expected)) or _WORDS[expected]
            message = f"{where}：{name} 的 {field} 是 {value!r}，应为 {wanted}"
            raise SystemsError(message)
    system = System(name, **values)  # type: ignore[arg-type]  # checked field by field above
    for each in _RANGES:
        found = getattr(system, each.field)
        if not each.allows(found):
            message = f"{where}：{name} 的 {each.field} 是 {found}，应{each.words}"
            raise SystemsError(message)
    return system


def chosen(systems: Sequence[System], names: Sequence[str]) -> tuple[System, ...]:
    """Pick systems by name, in the order declared; none named picks all.

    The reference is always among them; where it is not declared, the bundled one comes first.

    Raises:
        SystemsError: If a name is not declared.
    """
    if all(system.name != REFERENCE for system in systems):
        systems = (_reference(), *systems)
    declared = [system.name for system in systems]
    for name in names:
        if name not in declared:
            message = f"没有名为 {name} 的系统；可用：{'、'.join(declared)}"
            raise SystemsError(message)
    wanted = {REFERENCE, *names} if names else set(declared)
    return tuple(system for system in systems if system.name in wanted)


def _reference() -> System:
    (reference,) = (system for system in read_systems() if system.name == REFERENCE)
    return reference


def _require_order(systems: Sequence[System], file: Path) -> None:
    """Check that each system is set against one above it, as the reference is that is not there."""
    above = [] if any(system.name == REFERENCE for system in systems) else [REFERENCE]
    for system in systems:
        if system.against and system.against not in above:
            message = (
                f"{file}：{system.name} 的 against 是 {system.against!r}，"
                f"应为在它之前声明的系统；可用：{'、'.join(above) or '无'}"
            )
            raise SystemsError(message)
        above.append(system.name)


def _require_reference(systems: Sequence[System], file: Path) -> None:
    """Check that a reference declared anew is the bundled one: tables would not compare."""
    expected = _reference().configuration()
    for system in systems:
        differs = [
            f"{field} 是 {value!r}，应为 {expected[field]!r}"
            for field, value in system.configuration().items()
            if field not in {"about", "against"} and value != expected[field]
        ]
        if system.name == REFERENCE and differs:
            message = (
                f"{file}：{REFERENCE} 是每张表都有的参照，须与随附的相同：{'；'.join(differs)}；"
                "请删去这一节，或换一个系统名"
            )
            raise SystemsError(message)


def _fits(value: object, expected: object) -> bool:
    if choices := get_args(expected):
        return value in choices
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is expected
