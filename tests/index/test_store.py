"""An index is whole or refused, and a build replaces it whole or not at all."""

from __future__ import annotations

import pkgutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.build import build
from index.store import (
    current_version,
    damaged_files,
    open_index,
    open_version,
    read_content,
)
from rag.assistant import Assistant
from rag.errors import (
    CasebookError,
    IndexDamagedError,
    IndexMismatchError,
    IndexMissingError,
)
from rag.lexicon import LexiconError
from rag.lexicon_file import LEXICON, LexiconFile


def opened(index: Path, encoder) -> Assistant:
    return open_version(current_version(index), encoder)


@pytest.fixture
def built(tmp_path: Path, collection: Path, encoder) -> Path:
    folder = tmp_path / "index"
    build([collection], folder, encoder)
    return folder


def resolve(name: str) -> Callable[..., object]:
    return cast("Callable[..., object]", pkgutil.resolve_name(name))


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_what_was_built_is_what_is_opened(built: Path, encoder) -> None:
    assistant = opened(built, encoder)

    assert [(case.rank, case.title, case.district) for case in assistant.cases] == [
        (1, "退税快办", "静安区"),
        (2, "帮办代办", "嘉定区"),
    ]
    content = read_content(current_version(built))
    assert [passage.text for passage in content.passages] == [
        "静安区税务局推出智能退税，三日到账。企业不再跑窗口。",
        "静安区退税提速，退税企业两千户。",
        "嘉定区设立帮办站，帮办员现场服务。帮办六千次，群众少跑腿。",
    ]
    assert content.dense.size == 5
    assert assistant.index_version == current_version(built).name


def test_an_index_that_was_never_built_says_what_to_run(tmp_path: Path, encoder) -> None:
    with pytest.raises(IndexMissingError, match="里没有索引；请运行：casebook build"):
        opened(tmp_path / "nowhere", encoder)


def test_another_encoder_is_refused_by_name_with_the_repair(built, make_encoder) -> None:
    other = make_encoder("退税")
    with pytest.raises(IndexMismatchError) as caught:
        opened(built, other)
    assert str(caught.value) == (
        "索引是用 counting-退税帮办企业（7 维，权重 00000000） 建立的，"
        "现在的编码器是 counting-退税（3 维，权重 00000000）；"
        "请重新建立索引：casebook build <文件或文件夹> --model counting-退税"
    )


def test_an_index_in_another_format_is_refused(built, encoder, monkeypatch) -> None:
    monkeypatch.setattr("index.manifest.FORMAT", 99)
    with pytest.raises(IndexMismatchError, match="索引的格式是 4，本版本使用 99"):
        opened(built, encoder)


def damage(file: Path, how: str) -> None:
    data = bytearray(file.read_bytes())
    if how == "truncated":
        del data[-1:]
    elif how == "flipped":
        data[len(data) // 2] ^= 1
    elif how == "longer":
        data += b"\0"
    elif how == "emptied":
        data.clear()
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["truncated", "flipped", "longer", "emptied"])
def test_damage_to_any_file_is_found_and_named(built, encoder, how: str) -> None:
    version = current_version(built)
    names = ["manifest.json", *version.manifest.files]
    assert len(names) > 8
    for name in names:
        file = version.folder / name
        sound = file.read_bytes()
        if not sound and how in {"truncated", "flipped", "emptied"}:
            continue
        damage(file, how)
        with pytest.raises(IndexDamagedError, match=file.name) as caught:
            opened(built, encoder)
        assert "casebook build" in str(caught.value)
        file.write_bytes(sound)
    opened(built, encoder)


def test_a_missing_file_is_found_and_named(built, encoder) -> None:
    version = current_version(built)
    for name in version.manifest.files:
        file = version.folder / name
        sound = file.read_bytes()
        file.unlink()
        assert list(damaged_files(version)) == [name]
        with pytest.raises(IndexDamagedError, match=file.name):
            opened(built, encoder)
        file.write_bytes(sound)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_the_vectors_is_found(built, encoder, where: float, bit: int) -> None:
    file = current_version(built).folder / "dense.faiss"
    sound = file.read_bytes()
    data = bytearray(sound)
    data[int(where * len(data))] ^= 1 << bit
    file.write_bytes(data)
    try:
        with pytest.raises(IndexDamagedError):
            opened(built, encoder)
    finally:
        file.write_bytes(sound)


@pytest.mark.parametrize("pointer", ["", "v000009-0123456789\n", "../../elsewhere\n", "\n"])
def test_a_pointer_that_leads_nowhere_is_damage(built, encoder, pointer: str) -> None:
    (built / "CURRENT").write_text(pointer, encoding="utf-8")
    with pytest.raises(IndexDamagedError, match="CURRENT"):
        opened(built, encoder)


def test_a_pointer_that_is_not_text_is_damage(built, encoder) -> None:
    (built / "CURRENT").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(IndexDamagedError, match="CURRENT 不是文本"):
        opened(built, encoder)


def test_opening_writes_nothing(built, encoder) -> None:
    before = [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files_below(built)]
    opened(built, encoder).search("退税")
    after = [(path, path.stat().st_mtime_ns, path.read_bytes()) for path in files_below(built)]
    assert after == before


def test_three_versions_are_kept(built, collection, encoder) -> None:
    for _ in range(4):
        build([collection], built, encoder, force=True)
    versions = sorted(path.name[:7] for path in (built / "versions").iterdir())
    assert versions == ["v000003", "v000004", "v000005"]
    assert current_version(built).name.startswith("v000005-")


STEPS = [
    *[("index.publish._write", call) for call in range(1, 11)],
    *[("index.publish._sync_folder", call) for call in range(1, 6)],
    ("pathlib.Path.rename", 1),
    ("pathlib.Path.replace", 1),
]


def test_the_steps_below_are_all_the_steps_there_are(
    built, collection, encoder, monkeypatch
) -> None:
    calls: Counter[str] = Counter()
    for name in {name for name, _ in STEPS}:
        real = resolve(name)

        def counting(*arguments: object, name: str = name, real=real) -> object:
            calls[name] += 1
            return real(*arguments)

        monkeypatch.setattr(name, counting)
    build([collection], built, encoder, force=True)
    assert calls == Counter(name for name, _ in STEPS)


@pytest.mark.parametrize(("step", "call"), STEPS)
def test_a_build_that_fails_at_any_step_leaves_an_index_that_opens_and_nothing_else(
    built, collection, encoder, monkeypatch, step: str, call: int
) -> None:
    before = current_version(built).name
    (collection / "某市.txt").write_text("静安区帮办，服务企业退税。", encoding="utf-8")
    real, calls = resolve(step), 0

    def failing(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(step, failing)
    with pytest.raises(OSError, match="No space left"):
        build([collection], built, encoder)
    monkeypatch.undo()

    version = current_version(built)
    assert damaged_files(version) == {}
    opened(built, encoder)
    swapped = (step, call) == ("index.publish._sync_folder", 5)  # the one after the pointer
    assert (version.name != before) is swapped
    assert sorted(path.name for path in built.iterdir()) == [
        "CURRENT",
        "LOCK",
        "vectors.sqlite",
        "versions",
    ]
    assert not [path for path in (built / "versions").iterdir() if path.name.startswith(".")]
    assert build([collection], built, encoder).version.name > before


def test_builds_at_the_same_time_publish_one_after_the_other(built, collection, encoder) -> None:
    with ThreadPoolExecutor(4) as pool:
        reports = list(
            pool.map(lambda _: build([collection], built, encoder, force=True), range(12))
        )

    names = sorted(report.version.name for report in reports)
    assert [name[:7] for name in names] == [f"v{number:06d}" for number in range(2, 14)]
    assert current_version(built).name == names[-1]
    opened(built, encoder)


def test_a_build_waits_no_longer_than_its_patience_for_another(
    built, collection, encoder, monkeypatch
) -> None:
    monkeypatch.setattr("index.publish._LOCK_S", 0.05)
    with FileLock(built / "LOCK"), pytest.raises(CasebookError, match="另一个 build 正在写入"):
        build([collection], built, encoder, force=True)


def test_what_people_put_beside_the_versions_is_left_alone(built, collection, encoder) -> None:
    (built / "versions" / "v1-备份").mkdir()
    for _ in range(4):
        build([collection], built, encoder, force=True)
    assert (built / "versions" / "v1-备份").is_dir()


def test_terms_cut_in_another_way_are_refused(built, encoder, monkeypatch) -> None:
    monkeypatch.setattr("index.store.terms_digest", lambda: "another")
    with pytest.raises(IndexMismatchError, match="切词规则与本版本不同；请重新建立索引"):
        opened(built, encoder)


def test_no_file_of_an_index_is_a_pickle(built) -> None:
    for path in files_below(built):
        data = path.read_bytes()
        assert not data.startswith(b"\x80"), path
        if path.suffix == ".npy":
            header = data[:128].decode("latin-1")
            assert "'descr': '<" in header, path  # numbers, never '|O' objects


def test_an_open_index_follows_the_lexicon_in_its_folder(
    tmp_path: Path, built: Path, collection: Path, encoder, monkeypatch
) -> None:
    monkeypatch.setattr("index.store.load_encoder", lambda *_args, **_prompts: encoder)
    monkeypatch.setattr("index.store.LexiconFile", partial(LexiconFile, pause_s=0))
    assistant = open_index(built, tmp_path).assistant

    def lexical() -> float:
        (hit,) = (f.hit for f in assistant.search("钱拿回来了", limit=1).findings)
        return hit.lexical

    plain = lexical()
    (built / LEXICON).write_text("钱拿回来\t到账\n", encoding="utf-8")
    assert lexical() > plain
    build([collection], built, encoder, force=True)
    assert lexical() > plain  # a rebuild leaves the file alone
    (built / LEXICON).unlink()
    assert lexical() == plain


def test_an_index_whose_lexicon_is_faulty_is_not_opened(
    tmp_path: Path, built: Path, encoder, monkeypatch
) -> None:
    monkeypatch.setattr("index.store.load_encoder", lambda *_args, **_prompts: encoder)
    (built / LEXICON).write_text("钱\t到账\n", encoding="utf-8")
    with pytest.raises(LexiconError, match=r"lexicon\.tsv：第 1 行：应为"):
        open_index(built, tmp_path)


@pytest.mark.model
def test_a_landmark_favours_the_cases_of_its_district_and_hides_none(
    copied_index: Path, real_index: Path, models: Path
) -> None:
    places = "陆家嘴\t浦东新区\n五角场\t杨浦区\n朱家角\t青浦区\n北外滩\t虹口区\n崇明岛\t崇明区\n"
    (copied_index / LEXICON).write_text(places, encoding="utf-8")
    without, following = (
        open_index(index, models).assistant for index in (real_index, copied_index)
    )

    def districts(assistant: Assistant, question: str) -> list[str | None]:
        found = assistant.search(question, limit=50).findings
        return [finding.citation.district for finding in found]

    firsts = {"without": 0, "with": 0}
    for place, _, district in (line.partition("\t") for line in places.splitlines()):
        for question in (f"{place}的企业怎么办营业执照？", f"{place}的企业有困难找谁帮忙？"):
            before, after = districts(without, question), districts(following, question)
            firsts["without"] += before[0] == district
            firsts["with"] += after[0] == district
            assert len(after) == 50
            assert len(set(after)) > 5
            assert after[:10].count(district) >= before[:10].count(district)
    assert firsts["with"] >= firsts["without"] + 3  # 8 and 3 of 10 when it was written
