"""Files and folders in, an index out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from index.assemble import assemble, text_keys
from index.build import build
from index.recipe import DEFAULT_RECIPE, Recipe
from index.store import open_version, read_content
from index.vectors import VectorCache
from index.versions import current_version
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import DEFAULT_CUT, Cut, passages_of
from rag.errors import SourceError
from rag.expansions import read_companions
from rag.noise import UNRELATED
from rag.retrieve import HybridRetriever
from rag.source import decode, read


def opened(index: Path, encoder) -> Assistant:
    return open_version(current_version(index), encoder)


def test_one_bad_file_is_reported_and_the_rest_is_built(tmp_path, collection, encoder) -> None:
    (collection / "坏.txt").write_bytes(b"%PDF-1.7 ...")

    report = build([collection], tmp_path / "index", encoder)

    assert [str(failure) for failure in report.failures] == [
        "案例 2023/坏.txt：这是 PDF 文件，不是文本；请另存为 UTF-8 文本（.txt）"
    ]
    assert [source.name for source in report.version.manifest.sources] == ["案例 2023/某市.txt"]
    assert len(opened(tmp_path / "index", encoder).cases) == 2


def test_nothing_readable_is_an_error_that_lists_every_file(tmp_path, encoder) -> None:
    empty = tmp_path / "空.txt"
    empty.touch()
    with pytest.raises(SourceError) as caught:
        build([empty, tmp_path / "没有.txt"], tmp_path / "index", encoder)
    assert "没有可以建立索引的文件" in str(caught.value)
    assert "/空.txt：文件是空的" in str(caught.value)
    assert "没有.txt：没有这个文件或文件夹" in str(caught.value)
    assert not (tmp_path / "index").exists()


def test_building_the_same_again_does_nothing(tmp_path, collection, encoder) -> None:
    first = build([collection], tmp_path / "index", encoder)
    encoder.encoded.clear()

    second = build([collection], tmp_path / "index", encoder)

    assert (first.fresh, second.fresh) == (True, False)
    assert second.version == first.version
    assert encoder.encoded == []


@pytest.mark.parametrize("change", ["source", "cut", "encoder", "forced"])
def test_any_change_builds_anew(tmp_path, collection, encoder, make_encoder, change: str) -> None:
    first = build([collection], tmp_path / "index", encoder)
    cut = DEFAULT_CUT
    if change == "source":
        file = collection / "某市.txt"
        file.write_text(file.read_text(encoding="utf-8") + "新增一句。", encoding="utf-8")
    elif change == "cut":
        cut = Cut(20)
    elif change == "encoder":
        encoder = make_encoder("退税帮企")

    second = build(
        [collection], tmp_path / "index", encoder, recipe=Recipe(cut), force=change == "forced"
    )

    assert second.fresh
    assert second.version != first.version


def test_only_changed_sentences_are_encoded_again(tmp_path, collection, encoder) -> None:
    build([collection], tmp_path / "index", encoder)
    encoder.encoded.clear()
    file = collection / "某市.txt"
    text = file.read_text(encoding="utf-8").replace("帮办六千次", "帮办七千次")
    file.write_text(text, encoding="utf-8")

    build([collection], tmp_path / "index", encoder)

    assert encoder.encoded == ["嘉定区 帮办七千次，群众少跑腿。"]


@pytest.mark.parametrize("file", ["CURRENT", "manifest.json", "dense.faiss", "cases.jsonl"])
def test_a_damaged_index_is_built_anew(tmp_path, collection, encoder, file: str) -> None:
    index = tmp_path / "index"
    folder = build([collection], index, encoder).version.folder
    (index / file if file == "CURRENT" else folder / file).write_bytes(b"nonsense")
    assert build([collection], index, encoder).fresh
    opened(index, encoder)


def test_changed_code_builds_anew(tmp_path, collection, encoder, monkeypatch) -> None:
    build([collection], tmp_path / "index", encoder)
    monkeypatch.setattr("index.build.code_digest", lambda: "another")
    assert build([collection], tmp_path / "index", encoder).fresh


def test_an_index_inside_the_folder_of_cases_is_not_read_as_cases(collection, encoder) -> None:
    build([collection], collection / "索引", encoder)
    report = build([collection], collection / "索引", encoder, force=True)
    assert report.version.manifest.cases == 2


def test_passages_fit_an_encoder_that_takes_little(tmp_path, collection, make_encoder) -> None:
    encoder = make_encoder(max_tokens=12)
    build([collection], tmp_path / "index", encoder)
    version = current_version(tmp_path / "index")
    assert max(len(passage.text) for passage in read_content(version).passages) <= 12
    assert max(map(len, encoder.encoded)) <= 12


def test_a_key_is_district_and_sentence_or_the_sentence_where_both_do_not_fit(make_encoder) -> None:
    source = decode("a.txt", "嘉定区\n\n嘉定区设帮办站八个字。".encode())
    (case,) = read_cases([source])
    passages = passages_of(case, len, Cut(100))

    spans = [passage.sentences for passage in passages]
    assert text_keys([case], passages, spans, make_encoder()) == ["嘉定区 嘉定区设帮办站八个字。"]
    small = make_encoder(max_tokens=14)
    assert text_keys([case], passages, spans, small) == ["嘉定区设帮办站八个字。"]


def test_the_floor_is_what_unrelated_questions_reach_on_average(
    tmp_path, collection, encoder
) -> None:
    report = build([collection], tmp_path / "index", encoder)
    content = read_content(report.version)
    cosines = [content.dense.top_cosine(encoder.encode_query(text)) for text in UNRELATED]
    assert report.version.manifest.floor == pytest.approx(sum(cosines) / 40)


def test_stages_are_reported_up_to_their_total(tmp_path, collection, encoder) -> None:
    seen: list[tuple[str, int, int]] = []
    build([collection], tmp_path / "index", encoder, on_progress=lambda *step: seen.append(step))
    assert seen == [("切分案例", 1, 2), ("切分案例", 2, 2), ("编码句子", 5, 5)]


def test_files_given_twice_are_read_once(tmp_path, collection, encoder) -> None:
    file = collection / "某市.txt"
    report = build([file, file], tmp_path / "index", encoder)
    assert [source.name for source in report.version.manifest.sources] == ["案例 2023/某市.txt"]
    assert report.failures == ()


def test_a_file_repeated_in_another_folder_is_linked_as_duplicates(
    tmp_path: Path, collection: Path, encoder
) -> None:
    other = tmp_path / "另一处"
    other.mkdir()
    (other / "某市.txt").write_bytes((collection / "某市.txt").read_bytes())

    build([collection, other], tmp_path / "index", encoder)

    cases = opened(tmp_path / "index", encoder).cases
    assert [case.duplicate_of for case in cases] == [None, None, cases[0].case_id, cases[1].case_id]
    assert len({case.case_id for case in cases}) == 4


PLAIN, EXPANDED = Recipe(expansions=False), Recipe(expansions=True)


@pytest.fixture
def companion(collection: Path) -> Path:
    """Expansions beside the collection: one question of the case about help."""
    text = (collection / "某市.txt").read_text(encoding="utf-8")
    start = text.index("嘉定区设立")
    line = {"start": start, "end": start + 16, "questions": ["谁能替我跑腿", "退税退税"]}
    file = collection / "某市.questions.jsonl"
    file.write_text(json.dumps(line, ensure_ascii=False), encoding="utf-8")
    return file


def found(assistant: Assistant, question: str) -> list[tuple[str, float, float]]:
    findings = assistant.search(question).findings
    return [(f.citation.title, f.hit.score, f.hit.expansion) for f in findings]


def test_companions_are_read_where_the_recipe_asks_for_them(
    tmp_path, collection, companion, encoder
) -> None:
    report = build([collection], tmp_path / "index", encoder, recipe=EXPANDED)

    assert report.failures == ()
    (record,) = report.version.manifest.expansions
    assert record.name == f"案例 2023/{companion.name}"
    content = read_content(report.version)
    assert content.known is not None
    assert content.known.questions == ((), (), ("谁能替我跑腿", "退税退税"))
    assert encoder.encoded[-2:] == ["嘉定区 谁能替我跑腿", "嘉定区 退税退税"]
    assert report.version.manifest.sentences == 5


def test_companions_are_left_alone_where_it_does_not(
    tmp_path, collection, companion, encoder
) -> None:
    companion.write_text("{", encoding="utf-8")
    report = build([collection], tmp_path / "index", encoder, recipe=PLAIN)
    assert report.failures == ()
    assert report.version.manifest.expansions == ()
    assert read_content(report.version).known is None


def test_a_bad_companion_is_a_failure_and_its_source_stays(
    tmp_path, collection, companion, encoder
) -> None:
    companion.write_text('{"start": 0}', encoding="utf-8")
    report = build([collection], tmp_path / "index", encoder, recipe=EXPANDED)
    assert [str(failure) for failure in report.failures] == [
        f"案例 2023/某市.txt：{companion}：第 1 行：应有且只有这些键：end、questions、start（还可以有 quote）"
    ]
    assert [source.name for source in report.version.manifest.sources] == ["案例 2023/某市.txt"]
    assert report.version.manifest.expansions == ()
    assert read_content(report.version).known is None
    assert len(opened(tmp_path / "index", encoder).cases) == 2


@pytest.mark.parametrize("change", ["edited", "removed", "broken", "recipe"])
def test_a_changed_companion_builds_anew(
    tmp_path, collection, companion, encoder, change: str
) -> None:
    first = build([collection], tmp_path / "index", encoder, recipe=EXPANDED)
    assert not build([collection], tmp_path / "index", encoder, recipe=EXPANDED).fresh
    if change == "edited":
        text = companion.read_text(encoding="utf-8").replace("跑腿", "办事")
        companion.write_text(text, encoding="utf-8")
    elif change == "removed":
        companion.unlink()
    elif change == "broken":
        companion.write_text("{", encoding="utf-8")

    recipe = PLAIN if change == "recipe" else EXPANDED
    second = build([collection], tmp_path / "index", encoder, recipe=recipe)

    assert second.fresh
    assert second.version != first.version
    known = read_content(second.version).known
    assert (known is not None) is (change == "edited")


def test_a_reopened_index_ranks_the_same_with_expansions(
    tmp_path, collection, companion, encoder
) -> None:
    assert companion.is_file()
    build([collection], tmp_path / "index", encoder, recipe=EXPANDED)
    with VectorCache(tmp_path / "v.sqlite") as cache:
        reading = read([collection])
        content = assemble(
            reading.sources, read_companions(reading).expansions, encoder, cache, EXPANDED
        ).content
    retriever = HybridRetriever(content.cases, content.passages, encoder, content.rankers)

    once, again = (opened(tmp_path / "index", encoder) for _ in range(2))

    for question in ("谁能替我跑腿", "退税退税", "静安企业", "红烧肉"):
        assert found(once, question) == found(again, question)
        hits = retriever.retrieve(question, limit=5).hits
        assert [(score, asked) for _, score, asked in found(once, question)] == [
            (hit.score, hit.expansion) for hit in hits
        ]
    assert found(once, "谁能替我跑腿")[0][0] == "帮办代办"
    assert found(once, "谁能替我跑腿")[0][2] == pytest.approx(1.0)


def test_expansions_leave_the_rest_of_the_index_as_it_is(
    tmp_path, collection, companion, encoder
) -> None:
    assert companion.is_file()
    plain = build([collection], tmp_path / "a", encoder, recipe=PLAIN).version.manifest
    asked = build([collection], tmp_path / "b", encoder, recipe=EXPANDED).version.manifest
    assert plain.files == {
        name: record for name, record in asked.files.items() if not name.startswith("questions/")
    }
    assert plain.floor == asked.floor


def test_token_vectors_are_kept_where_the_recipe_and_the_encoder_have_any(
    tmp_path, collection, encoder, token_encoder
) -> None:
    index = tmp_path / "index"
    for made_by, recipe, files in (
        (encoder, DEFAULT_RECIPE, 0),
        (token_encoder, replace(DEFAULT_RECIPE, late=False), 0),
        (token_encoder, DEFAULT_RECIPE, 5),
    ):
        version = build([collection], index, made_by, recipe=recipe, force=True).version
        assert sum(name.startswith("late/") for name in version.manifest.files) == files
        assert (read_content(version).late is None) == (files == 0)


def test_a_reopened_index_scores_tokens_the_same(tmp_path, collection, token_encoder) -> None:
    report = build([collection], tmp_path / "index", token_encoder)
    hits = [open_version(report.version, token_encoder).search("退税企业").findings for _ in "12"]
    assert [f.hit.score for f in hits[0]] == [f.hit.score for f in hits[1]]
    assert max(finding.hit.late for finding in hits[0]) > 0
