"""An index is whole or refused, and a build replaces it whole or not at all."""

from __future__ import annotations

import random
import shutil
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import index.arrays
import index.store
from index.build import build
from index.content import Content
from index.store import open_cases, open_current, open_index, open_version, read_content
from index.versions import Version, current_version, damaged_files, published
from rag.assistant import Assistant
from rag.errors import (
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
    with pytest.raises(IndexMismatchError, match="索引的格式是 5，本版本使用 99"):
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


def test_large_files_are_mapped_and_answer_the_same(built, encoder, monkeypatch) -> None:
    version = current_version(built)
    read = open_version(version, encoder).search("退税到账")
    monkeypatch.setattr(index.arrays, "MAPPED_FROM", 1)
    mapped = open_version(version, encoder)
    assert mapped.search("退税到账") == read
    shutil.rmtree(version.folder)
    assert mapped.search("退税到账") == read


def test_damage_to_a_large_file_is_found_before_it_is_mapped(built, encoder, monkeypatch) -> None:
    monkeypatch.setattr(index.arrays, "MAPPED_FROM", 1)
    file = current_version(built).folder / "lexical" / "weights.npy"
    damage(file, "flipped")
    with pytest.raises(IndexDamagedError, match=r"weights\.npy 内容与清单中的摘要不符"):
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


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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


@pytest.fixture
def thrice(built: Path, collection: Path, encoder, monkeypatch) -> Path:
    """Three versions, to be opened as a service does."""
    monkeypatch.setattr("index.store.load_encoder", lambda *_args, **_prompts: encoder)
    for _ in range(2):
        build([collection], built, encoder, force=True)
    return built


FIRST, SECOND, THIRD = range(3)


@pytest.mark.parametrize("what", ["pointer gone", "pointer nonsense", "manifest", "file", "folder"])
def test_where_the_current_version_is_damaged_the_newest_sound_one_answers_and_says_so(
    thrice: Path, tmp_path: Path, caplog, what: str
) -> None:
    names = published(thrice)
    folder = thrice / "versions" / names[THIRD]
    expected = names[SECOND]
    if what.startswith("pointer"):
        expected = names[THIRD]
        (thrice / "CURRENT").unlink()
        if what == "pointer nonsense":
            (thrice / "CURRENT").write_bytes(b"\xff\xff")
    elif what == "folder":
        shutil.rmtree(folder)
    else:
        (folder / ("manifest.json" if what == "manifest" else "dense.faiss")).write_bytes(b"{}")

    found = open_index(thrice, tmp_path)

    assert found.version.name == found.assistant.index_version == expected
    assert found.degraded is not None
    assert found.degraded.startswith("索引已损坏：")
    assert "casebook rollback" in found.degraded
    assert found.degraded.endswith(f"；现在用的是完好的版本 {expected}")
    assert [record.getMessage() for record in caplog.records] == [found.degraded]
    assert open_cases(thrice) == found.assistant.cases
    with pytest.raises(IndexDamagedError):
        open_current(thrice, tmp_path, found.encoder)


def test_damaged_versions_are_passed_over_and_named_where_none_is_left(
    thrice: Path, tmp_path: Path
) -> None:
    names = published(thrice)
    for name in names[SECOND:]:
        (thrice / "versions" / name / "dense.faiss").write_bytes(b"")
    assert open_index(thrice, tmp_path).version.name == names[FIRST]
    (thrice / "versions" / names[FIRST] / "cases.jsonl").unlink()
    with pytest.raises(IndexDamagedError) as caught:
        open_index(thrice, tmp_path)
    current, second, first = str(caught.value).splitlines()
    assert f"{names[THIRD]}/dense.faiss 有 0 字节" in current
    assert current.endswith("；没有别的版本可用")
    assert second.startswith(f"  {names[SECOND]}：索引已损坏：")
    assert first.startswith(f"  {names[FIRST]}：索引已损坏：")


def test_another_format_is_no_damage_and_nothing_is_opened_in_its_place(
    thrice: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("index.store.terms_digest", lambda: "another")
    with pytest.raises(IndexMismatchError, match="切词规则"):
        open_index(thrice, tmp_path)


def test_a_version_retired_while_it_was_being_opened_is_no_damage(
    thrice: Path, tmp_path: Path, collection: Path, encoder, monkeypatch
) -> None:
    straight, moved = index.store.read_content, []

    def retired_meanwhile(version: Version) -> Content:
        if not moved:
            moved.append(version.name)
            for _ in range(4):
                build([collection], thrice, encoder, force=True)
        return straight(version)

    monkeypatch.setattr("index.store.read_content", retired_meanwhile)
    found = open_index(thrice, tmp_path)
    assert moved == [name for name in moved if name not in published(thrice)]
    assert (found.degraded, found.version.name) == (None, published(thrice)[-1])


def test_the_encoder_in_use_is_used_again_unless_another_is_named(
    thrice: Path, tmp_path: Path, collection: Path, encoder, make_encoder, monkeypatch
) -> None:
    assert open_current(thrice, tmp_path, make_encoder()).encoder is not encoder
    other = make_encoder("退税帮企")
    assert open_current(thrice, tmp_path, other).encoder is encoder
    build([collection], thrice, other)
    monkeypatch.setattr("index.store.load_encoder", lambda *_args, **_prompts: other)
    assert open_current(thrice, tmp_path, encoder).encoder is other


def test_every_kind_of_damage_at_every_place_is_found(built: Path, encoder) -> None:
    version = current_version(built)
    places = random.Random(5)  # noqa: S311 - a test's places
    tried = 0
    for name in ["manifest.json", *version.manifest.files]:
        file = version.folder / name
        sound = file.read_bytes()
        size = len(sound)
        damaged = {sound[: size * part // 20] for part in range(20)}
        for _ in range(50):
            bit = places.randrange(8 * size) if size else 0
            flipped = bytearray(sound)
            flipped[bit // 8 : bit // 8 + 1] = (
                bytes([flipped[bit // 8] ^ 1 << bit % 8]) if size else b""
            )
            damaged.add(bytes(flipped))
        for _ in range(20):
            start = places.randrange(size + 1)
            damaged.add(sound[:start] + places.randbytes(4096) + sound[start + 4096 :])
        for data in damaged - {sound}:
            file.write_bytes(data)
            with pytest.raises(IndexDamagedError, match=file.name):
                opened(built, encoder)
            tried += 1
        file.write_bytes(sound)
    assert tried > 800
    opened(built, encoder)


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
