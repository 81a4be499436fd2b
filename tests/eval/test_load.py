"""From whatever is on disk to a dataset, and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from eval.dataset import Dataset
from eval.load import DatasetError, Summary, export, list_datasets, load
from eval.questions import Question, QuestionsError, digest_of, write_questions
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.types import Passage

QUESTIONS = (
    Question("Q1", "fact", "退税几天到账？", ("三日 到账",), "any", "三天"),
    Question("Q2", "none", "红烧肉怎么做？", (), "any"),
)


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    write_questions(tmp_path / "小集.jsonl", QUESTIONS)
    return tmp_path / "小集.jsonl"


@pytest.fixture
def beir(tmp_path: Path) -> Path:
    folder = tmp_path / "公开集"
    folder.mkdir()
    document, query = {"_id": "d1", "text": "三日到账"}, {"_id": "q1", "text": "几天？"}
    (folder / "corpus.jsonl").write_text(json.dumps(document))
    (folder / "queries.jsonl").write_text(json.dumps(query))
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n")
    return folder


@pytest.fixture
def dataset(asked: Path, collection: Path) -> Dataset:
    return load(asked, [collection])


@pytest.fixture
def passages(dataset: Dataset) -> tuple[Passage, ...]:
    cases = read_cases(dataset.sources)
    return tuple(passage for case in cases for passage in passages_of(case, len))


def test_questions_with_quotes_are_loaded_with_their_sources(
    dataset: Dataset, collection: Path
) -> None:
    assert (dataset.name, dataset.questions) == ("小集", QUESTIONS)
    files = sorted(file for file in collection.rglob("*") if file.is_file())
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert [source.text for source in dataset.sources] == texts
    assert not dataset.by_document
    assert dataset.digest == digest_of(QUESTIONS)
    assert [dataset.answerable(question) for question in dataset.questions] == [True, False]


def test_a_beir_folder_is_loaded_without_sources(
    beir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load(beir)
    assert (dataset.name, dataset.judgments) == ("公开集", {"q1": {"d1": 1}})
    assert [source.name for source in dataset.sources] == ["d1"]
    monkeypatch.chdir(beir)
    assert load(Path()) == dataset


@pytest.mark.parametrize("name", ["新.jsonl", "新.csv", "新.TSV"])
def test_an_exported_question_file_is_the_same_dataset(
    dataset: Dataset, tmp_path: Path, collection: Path, name: str
) -> None:
    export(dataset, tmp_path / name)
    assert load(tmp_path / name, [collection]) == replace(dataset, name="新")


def test_passages_become_the_documents_of_an_exported_beir_folder(
    dataset: Dataset, passages: tuple[Passage, ...], tmp_path: Path
) -> None:
    (relevant,) = [passage for passage in passages if "三日到账" in passage.text]
    qrels = {"Q1": {relevant.passage_id: 1}}
    export(dataset, tmp_path / "新", passages, qrels)
    found = load(tmp_path / "新")
    assert found.judgments == qrels
    assert [source.name for source in found.sources] == [p.passage_id for p in passages]
    assert [source.text for source in found.sources] == [p.text for p in passages]
    assert found.questions == (
        Question("Q1", "fact", "退税几天到账？", (), "any", "三天"),
        QUESTIONS[1],
    )
    assert [found.answerable(question) for question in found.questions] == [True, False]


def test_a_quote_that_no_passage_holds_is_not_exported_as_unanswerable(
    dataset: Dataset, passages: tuple[Passage, ...], tmp_path: Path
) -> None:
    with pytest.raises(DatasetError, match="小集：问题 Q1 的引文没有一个段落完整包含"):
        export(dataset, tmp_path / "新", passages, {"Q1": {passages[0].passage_id: 0}})
    assert not (tmp_path / "新").exists()


def test_quotes_without_passages_cannot_become_a_beir_folder(
    dataset: Dataset, passages: tuple[Passage, ...], tmp_path: Path
) -> None:
    for given in ((), (passages,)):
        with pytest.raises(ValueError, match="needs its passages and judgments"):
            export(dataset, tmp_path / "新", *given)


def test_a_beir_set_is_exported_as_such_and_never_as_questions(beir: Path, tmp_path: Path) -> None:
    dataset = load(beir)
    export(dataset, tmp_path / "新")
    assert load(tmp_path / "新") == replace(dataset, name="新")
    for name in ("新.jsonl", "新.csv"):
        with pytest.raises(DatasetError, match="公开集 判断的是整篇文档，没有引文，不能写成问题"):
            export(dataset, tmp_path / name)


def test_nothing_is_written_over_or_in_an_unknown_form(dataset: Dataset, asked: Path) -> None:
    before = asked.read_bytes()
    with pytest.raises(DatasetError, match=r"小集\.jsonl：已经存在；请换一个名称"):
        export(dataset, asked)
    assert asked.read_bytes() == before
    for name, suffix in (("新.xlsx", r"\.xlsx"), ("新.beir", r"\.beir")):
        with pytest.raises(DatasetError, match=rf"不能导出为 {suffix}；可以是 \.jsonl、\.csv"):
            export(dataset, asked.with_name(name))


def test_what_is_no_dataset_is_told_the_accepted_forms(tmp_path: Path, collection: Path) -> None:
    forms = r"可以是 含 corpus\.jsonl 的 BEIR 文件夹、带引文的问题（\.jsonl）、问题表格（\.csv 或"
    with pytest.raises(DatasetError, match=f"无.jsonl：没有这个文件或文件夹；{forms}"):
        load(tmp_path / "无.jsonl")
    for path in (tmp_path, collection):
        with pytest.raises(DatasetError, match=f"不是评测集；{forms}"):
            load(path)


def test_a_question_file_needs_readable_sources_and_no_split(
    asked: Path, tmp_path: Path, collection: Path
) -> None:
    with pytest.raises(DatasetError, match=r"小集\.jsonl：问题的引文要在原文中核对；请给出原文"):
        load(asked)
    with pytest.raises(DatasetError, match="问题文件没有划分，但指定了 dev"):
        load(asked, [collection], "dev")
    (tmp_path / "空.txt").touch()
    missing = tmp_path / "无.txt"
    message = r"有原文读不了，其中的案例会被误算成漏检；请先改正：\n.*空\.txt：文件是空的.*\n.*无\.txt：没有"
    with pytest.raises(DatasetError, match=message):
        load(asked, [collection, tmp_path / "空.txt", missing])


def test_a_quote_outside_the_sources_is_named_by_file_and_line(asked: Path, tmp_path: Path) -> None:
    other = tmp_path / "别的.txt"
    other.write_text("四日到账", encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"小集\.jsonl：第 1 行：问题 Q1 的引文“三日 到账”"):
        load(asked, [other])


@pytest.mark.parametrize("name", ["...jsonl", ".隐藏.jsonl", "a:b.jsonl", "a?.csv", "末尾 .tsv"])
def test_a_name_that_no_folder_of_results_should_have_is_refused(
    dataset: Dataset, tmp_path: Path, collection: Path, name: str
) -> None:
    export(dataset, tmp_path / name)
    with pytest.raises(DatasetError, match="不能用：它也是结果文件夹的名称，不能为空"):
        load(tmp_path / name, [collection])


def test_a_name_may_have_spaces_points_and_signs(
    dataset: Dataset, tmp_path: Path, collection: Path
) -> None:
    export(dataset, tmp_path / "退税 2.0（新）-b.jsonl")
    assert load(tmp_path / "退税 2.0（新）-b.jsonl", [collection]).name == "退税 2.0（新）-b"


def test_datasets_below_a_folder_are_listed_with_what_is_wrong_with_them(
    asked: Path, beir: Path, tmp_path: Path
) -> None:
    (tmp_path / "坏.csv").write_text("id\n", encoding="utf-8")
    (tmp_path / "说明.txt").write_text("不是评测集", encoding="utf-8")
    (tmp_path / "空文件夹").mkdir()
    public = Summary("公开集", beir, "beir", 1, 1, 1)
    fault = (
        f"{tmp_path / '坏.csv'}：第 1 行：表头缺少 answer、mode、question、quote1、type；"
        "应有 id、type、question、mode、answer 和 quote1、quote2……"
    )
    assert list_datasets(tmp_path) == (
        public,
        Summary("坏", tmp_path / "坏.csv", "csv", None, None, None, fault),
        Summary("小集", asked, "jsonl", 2, 1, None),
    )
    assert list_datasets(beir) == (public,)
    assert list_datasets(tmp_path / "空文件夹") == ()
    with pytest.raises(DatasetError, match="没有这个文件夹"):
        list_datasets(tmp_path / "无")
