"""Systems: what a file may declare, and in which words it is refused."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from eval.systems import BUNDLED, System, SystemsError, chosen, read_systems, system_of
from index.postings import Bm25
from index.recipe import DEFAULT_RECIPE, Recipe
from rag.chunk import Cut
from rag.lexicon import read_lexicon
from rag.tuning import DEFAULT_WEIGHTS, Weights


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "systems.toml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(SystemsError) as caught:
        read_systems(written(tmp_path, text))
    return str(caught.value).removeprefix(f"{tmp_path}/")


def test_the_bundled_systems_are_a_ladder_with_the_reference_in_it() -> None:
    assert [system.name for system in read_systems()] == [
        "dense-passage",
        "dense",
        "bm25",
        "hybrid-plain",
        "hybrid-text",
        "hybrid-text-lexicon",
        "hybrid-expansions",
        "hybrid",
        "hybrid-lexicon",
    ]


def test_the_bundled_hybrid_is_the_product_and_the_bundled_lexicon_can_be_read() -> None:
    systems = {system.name: system for system in read_systems()}
    hybrid = systems["hybrid"]
    assert (hybrid.recipe, hybrid.weights) == (DEFAULT_RECIPE, DEFAULT_WEIGHTS)
    assert read_lexicon(Path(systems["hybrid-lexicon"].lexicon)).entries


def test_every_part_is_set_against_what_it_is_added_to() -> None:
    systems = read_systems()
    against = {
        one.name: one.against or (above.name if above else "")
        for one, above in zip(systems, (None, *systems), strict=False)
    }
    assert (against["hybrid-text"], against["hybrid-expansions"]) == (
        "hybrid-plain",
        "hybrid-plain",
    )
    assert (against["hybrid-text-lexicon"], against["hybrid"]) == (
        "hybrid-text",
        "hybrid-expansions",
    )
    assert (against["dense-passage"], against["hybrid-lexicon"]) == ("", "hybrid")


def test_the_remarks_of_the_bundled_file_name_every_field() -> None:
    remarks = [line for line in BUNDLED.read_text("utf-8").splitlines() if line.startswith("#")]
    named = "\n".join(remarks).replace(",", " ").split()
    assert {field.name for field in fields(System)} - {"name"} <= set(named)


def test_recipe_and_weights_follow_from_the_fields() -> None:
    system = System(
        "s", max_tokens=90, keys="passage", dense=0.2, late=0.3, k1=1.5, b=0.1, lexical=0.4
    )
    assert system.recipe == Recipe(Cut(90), "passage", Bm25(1.5, 0.1), expansions=True, late=True)
    assert system.weights == Weights(0.2, 0.3, DEFAULT_WEIGHTS.expansions, 0.4)
    assert replace(system, late=0.0, expansions=False).recipe == Recipe(
        Cut(90), "passage", Bm25(1.5, 0.1), expansions=False, late=False
    )
    assert list(system.configuration()) == [field.name for field in fields(System)]
    assert system.configuration()["max_tokens"] == 90


def test_a_file_is_read_in_its_order_with_the_lexicon_beside_it(tmp_path: Path) -> None:
    text = '\ufeff["二"]\nlexicon = "词/表.tsv"\n[a]\ndense = 1\nexpansions = true\n'
    two, a = read_systems(written(tmp_path, text))
    assert two == System("二", lexicon=str(tmp_path.resolve() / "词" / "表.tsv"))
    assert a == System("a", dense=1.0, expansions=True)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("./模型/重排", "{here}/模型/重排"),
        ("../重排", "{above}/重排"),
        ("BAAI/bge-reranker-base", "BAAI/bge-reranker-base"),
        ("/opt/重排", "/opt/重排"),
        ("", ""),
    ],
)
def test_a_reranker_is_seen_from_the_file_only_where_it_says_so(
    tmp_path: Path, declared: str, expected: str
) -> None:
    (system,) = read_systems(written(tmp_path, f'[a]\nreranker = "{declared}"'))
    here = tmp_path.resolve()
    assert system.reranker == expected.format(here=here, above=here.parent)
    assert system.configuration()["reranker"] == system.reranker


def test_an_empty_lexicon_stays_none(tmp_path: Path) -> None:
    (system,) = read_systems(written(tmp_path, '[a]\nlexicon = ""'))
    assert system.lexicon == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "dens = 1.0",
            "的字段 dens 不认识；可用：about、against、encoder、max_tokens、keys、dense",
        ),
        ("name = 'b'", "的字段 name 不认识"),
        ("dense = '0.3'", "的 dense 是 '0.3'，应为 数"),
        ("dense = true", "的 dense 是 True，应为 数"),
        ("dense = [0.3]", "的 dense 是 [0.3]，应为 数"),
        ("dense = 1.1", "的 dense 是 1.1，应在 0 与 1 之间"),
        ("dense = nan", "的 dense 是 nan，应在 0 与 1 之间"),
        ("b = -0.1", "的 b 是 -0.1，应在 0 与 1 之间"),
        ("expansion = 2", "的 expansion 是 2，应在 0 与 1 之间"),
        ("lexical = 1", "的 lexical 是 1，应不小于 0 且小于 1"),
        ("k1 = -1", "的 k1 是 -1，应是不小于 0 的有限数"),
        ("k1 = inf", "的 k1 是 inf，应是不小于 0 的有限数"),
        ("k1 = nan", "的 k1 是 nan，应是不小于 0 的有限数"),
        ("max_tokens = 0", "的 max_tokens 是 0，应不小于 1"),
        ("max_tokens = 280.0", "的 max_tokens 是 280.0，应为 整数"),
        ("keys = 'word'", "的 keys 是 'word'，应为 sentence 或 passage"),
        ("keys = ['sentence']", "的 keys 是 ['sentence']，应为 sentence 或 passage"),
        ("expansions = 1", "的 expansions 是 1，应为 true 或 false"),
        ("about = 3", "的 about 是 3，应为 字符串"),
        ("lexicon = 3", "的 lexicon 是 3，应为 字符串"),
        ("reranker = 3", "的 reranker 是 3，应为 字符串"),
        ("lexicon = true", "的 lexicon 是 True，应为 字符串"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(tmp_path: Path, body: str, said: str) -> None:
    assert refusal(tmp_path, f"[a]\n{body}").startswith(f"systems.toml：a {said}")


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a/b", "a\\b", "..", ".a", "-a", "_a", "a@b", "a:b", "a\nb", "a\tb"]
)
def test_a_name_that_cannot_be_a_folder_or_a_run_tag_is_refused(name: str) -> None:
    with pytest.raises(SystemsError, match=r"^here：系统名 .+ 不能用：它也是结果文件夹的名称"):
        system_of(name, {}, "here")


@pytest.mark.parametrize("name", ["bm25", "hybrid-both", "融合_1.0", "k1=.9", "a+b"])
def test_other_names_are_taken_as_they_are(name: str) -> None:
    assert system_of(name, {}, "here") == System(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a", "systems.toml：不是 TOML（"),
        ("[a]\n[a]", "systems.toml：不是 TOML（"),
        ("", "systems.toml：没有声明任何系统；每个系统一节"),
        ("dense = 0.3", "systems.toml：dense 应是一节，写作 [dense]"),
        ("[a.c]", "systems.toml：a 的字段 c 不认识"),
    ],
)
def test_a_file_that_is_none_of_systems_says_why(tmp_path: Path, text: str, said: str) -> None:
    assert refusal(tmp_path, text).startswith(said)


def test_a_file_that_is_not_utf_8_or_not_there_says_so(tmp_path: Path) -> None:
    file = tmp_path / "gbk.toml"
    file.write_bytes('["融合"]'.encode("gb18030"))
    with pytest.raises(SystemsError, match=r"gbk\.toml：不是 TOML"):
        read_systems(file)
    with pytest.raises(SystemsError, match=r"none\.toml：读不了（.+）；应为声明系统的 TOML 文件"):
        read_systems(tmp_path / "none.toml")


def names(systems: tuple[System, ...]) -> list[str]:
    return [system.name for system in systems]


def test_systems_are_picked_in_the_order_declared_and_the_reference_always() -> None:
    declared = read_systems()
    assert names(chosen(declared, ["hybrid", "dense"])) == ["dense", "bm25", "hybrid"]
    assert chosen(declared, []) == declared
    assert names(chosen(declared, ["bm25"])) == ["bm25"]


def test_a_reference_that_is_not_declared_is_the_bundled_one_and_comes_first() -> None:
    declared = (System("b"), System("a"))
    assert names(chosen(declared, [])) == ["bm25", "b", "a"]
    assert names(chosen(declared, ["a"])) == ["bm25", "a"]
    assert names(chosen(declared, ["bm25"])) == ["bm25"]
    assert chosen(declared, [])[0].recipe.bm25 == Bm25(1.2, 0.75)


def test_a_reference_that_is_declared_is_kept_where_it_stands(tmp_path: Path) -> None:
    text = '[a]\n[bm25]\nabout = "照旧"\nagainst = "a"\ndense = 0.0\nk1 = 1.2\nb = 0.75\n'
    text += "expansions = false\nlate = 0.0\n"
    declared = read_systems(written(tmp_path, text))
    assert names(declared) == ["a", "bm25"]
    assert chosen(declared, ["a"]) == declared
    assert (declared[1].about, declared[1].against) == ("照旧", "a")


def test_a_reference_unlike_the_bundled_one_is_refused(tmp_path: Path) -> None:
    same = "b = 0.75\nlate = 0.0\nexpansions = false"
    assert refusal(tmp_path, f"[a]\n[bm25]\ndense = 0.0\nk1 = 2.0\n{same}") == (
        "systems.toml：bm25 是每张表都有的参照，须与随附的相同：k1 是 2.0，应为 1.2；"
        "请删去这一节，或换一个系统名"
    )
    assert "dense 是 0.3，应为 0.0；" in refusal(tmp_path, f"[bm25]\nk1 = 1.2\n{same}")
    networked = f'[bm25]\ndense = 0.0\nk1 = 1.2\n{same}\nreranker = "a/b"'
    assert "：reranker 是 'a/b'，应为 ''；" in refusal(tmp_path, networked)


def test_a_system_is_set_against_one_before_it_or_the_reference(tmp_path: Path) -> None:
    a, b = read_systems(written(tmp_path, '[a]\nagainst = "bm25"\n[b]\nagainst = "a"'))
    assert (a.against, b.against) == ("bm25", "a")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[a]\nagainst = "a"', "a 的 against 是 'a'，应为在它之前声明的系统；可用：bm25"),
        ('[a]\nagainst = "b"\n[b]', "a 的 against 是 'b'，应为在它之前声明的系统；可用：bm25"),
        ('[a]\n[b]\nagainst = "c"', "b 的 against 是 'c'，应为在它之前声明的系统；可用：bm25、a"),
        (
            '[bm25]\nagainst = "bm25"\ndense = 0.0\nk1 = 1.2\nb = 0.75',
            "bm25 的 against 是 'bm25'，应为在它之前声明的系统；可用：无",
        ),
    ],
)
def test_a_system_against_one_that_does_not_come_before_it_is_refused(
    tmp_path: Path, text: str, said: str
) -> None:
    assert refusal(tmp_path, text) == f"systems.toml：{said}"


def test_a_name_that_is_not_declared_is_an_error_that_lists_what_is() -> None:
    with pytest.raises(SystemsError, match=r"^没有名为 c 的系统；可用：bm25、b、a$"):
        chosen((System("b"), System("a")), ["c"])
