"""``casebook eval import | export | list``: what they print and store, and their exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from eval.archive import load
from eval.load import load as load_dataset
from eval.questions import Question, write_questions

RUN = "q1 Q0 d1 1 0.5 x\nq1 Q0 d2 2 0.5 x\n"
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\nq3\td1\t0\n"


@pytest.fixture
def folder(folder: Path, monkeypatch: pytest.MonkeyPatch, encoder) -> Path:
    """An export loads its encoder itself."""
    monkeypatch.setattr("rag.encoders.load_encoder", lambda _name, _models: encoder)
    return folder


@pytest.fixture
def beir(folder: Path) -> Path:
    """Four questions: two answered, one judged 0 only, one without judgment."""
    root = folder / "公开集"
    (root / "qrels").mkdir(parents=True)
    documents = [{"_id": "d1", "text": "三日到账"}, {"_id": "d2", "text": "帮办六千次"}]
    queries = [{"_id": f"q{n}", "text": f"第{n}问？"} for n in (1, 2, 3, 4)]
    for name, records in (("corpus", documents), ("queries", queries)):
        text = "".join(json.dumps(record) + "\n" for record in records)
        (root / f"{name}.jsonl").write_text(text, encoding="utf-8")
    for split in ("test", "dev"):
        (root / "qrels" / f"{split}.tsv").write_text(QRELS, encoding="utf-8")
    return root


@pytest.fixture
def asked(folder: Path) -> Path:
    file = folder / "小集.jsonl"
    questions = [
        Question("Q1", "fact", "几天？", ("三日到账",), "any"),
        Question("Q2", "fact", "几次？", ("帮办六千次",), "any"),
    ]
    write_questions(file, questions)
    return file


def written(name: str, text: str) -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def test_an_import_is_stored_verified_and_reported_and_says_what_it_lacks(cli, beir: Path) -> None:
    code, out, err = cli("import", written("run.txt", RUN), beir, "--name", "别家")
    assert code == 0
    assert "公开集" in out
    assert "结果在 var/eval/runs/公开集/别家" in out
    assert err.splitlines() == [
        "公开集：test.tsv：queries.jsonl 里有 1 个问题在这里没有判断，未计入",
        "公开集：test.tsv：1 个问题（q3）没有相关（等级大于 0）的文档，按无答案的问题计",
        "公开集：别家 没有排出 1 个问题（q2），各项指标都按 0 计",
    ]
    stored = load(Path("var/eval/runs/公开集/别家"))
    assert stored.values["RR@10"] == {"q1": 0.5, "q2": 0.0}  # equal scores: the greater id first
    assert list(stored.notes) == err.splitlines()

    code, out, err = cli("verify")
    assert (code, err) == (0, "")
    assert out.startswith("别家@公开集：")
    assert cli("report")[0] == 0
    assert "别家" in Path("var/eval/report.html").read_text(encoding="utf-8")


def test_another_split_is_another_folder(cli, beir: Path) -> None:
    run = written("run.txt", RUN)
    for options in ((), ("--split", "test"), ("--split", "dev")):
        assert cli("import", run, beir, "--name", "别家", *options)[0] == 0
    assert sorted(p.name for p in Path("var/eval/runs").iterdir()) == ["公开集", "公开集-dev"]


def test_an_import_for_quotes_is_judged_by_the_judgments_given(
    cli, asked: Path, collection: Path
) -> None:
    run = written("run.txt", RUN.replace("q", "Q"))
    sources = ("--sources", collection)
    code, _, err = cli("import", run, asked, "--name", "别家", *sources)
    assert code == 1
    assert "小集 以引文判断，排名的是别处的段落；请用 --qrels 给出" in err

    qrels = written("qrels.txt", "Q1 0 d1 1\n")
    code, out, err = cli("import", run, asked, "--name", "别家", *sources, "--qrels", qrels)
    assert (code, "结果在" in out) == (0, True)
    assert err == "小集：给出的判断里，1 个问题（Q2）没有相关（等级大于 0）的，未计入\n"

    qrels = written("qrels.txt", "Q1 0 d1 1\nQ7 0 d1 1\n")
    code, _, err = cli("import", run, asked, "--name", "别家", *sources, "--qrels", qrels)
    assert (code, "qrels.txt：第 2 行：问题 Q7 不在题集中" in err) == (1, True)


@pytest.mark.parametrize("name", ["../../逃", "a b", ""])
def test_a_name_that_is_no_folder_of_its_own_stores_nothing(cli, beir: Path, name: str) -> None:
    code, out, err = cli("import", written("run.txt", RUN), beir, "--name", name)
    assert (code, out) == (1, "")
    assert f"错误：--name：系统名 {name!r} 不能用" in err
    assert sorted(path.name for path in Path().iterdir()) == ["run.txt", "公开集"]


def test_a_run_that_cannot_be_read_is_told_by_file_and_line(cli, beir: Path) -> None:
    code, _, err = cli("import", written("run.txt", f"{RUN}q2 d1\n"), beir, "--name", "x")
    assert (code, "run.txt：第 3 行：有 2 列，应为 6 列" in err) == (1, True)


def test_questions_become_a_spreadsheet_and_passages_a_folder(
    cli, asked: Path, collection: Path
) -> None:
    sources = ("--sources", collection)
    code, out, _ = cli("export", asked, "表.csv", *sources)
    assert (code, out) == (0, "已把 小集（2 题）写到 表.csv\n")
    assert load_dataset(Path("表.csv"), [collection]).questions == (
        load_dataset(asked, [collection]).questions
    )
    assert cli("export", asked, "段落", *sources)[0] == 0
    passages = load_dataset(Path("段落"))
    assert [source.text[:5] for source in passages.sources] == [
        "静安区税务",
        "静安区退税",
        "嘉定区设立",
    ]
    assert {name: len(grades) for name, grades in passages.judgments.items()} == {"Q1": 1, "Q2": 1}


def test_an_export_says_what_it_leaves_out_and_writes_over_nothing(cli, beir: Path) -> None:
    code, _, err = cli("export", beir, "又一份")
    assert code == 0
    assert "1 个问题在这里没有判断，未计入" in err
    code, _, err = cli("export", beir, "又一份")
    assert (code, "又一份：已经存在；请换一个名称，或先删除它" in err) == (1, True)


@pytest.mark.usefixtures("asked")
def test_list_counts_what_is_answered_in_every_form(cli, beir: Path) -> None:
    code, out, _ = cli("list", ".", "--json")
    assert code == 0
    assert [
        (one["name"], one["kind"], one["questions"], one["answerable"], one["documents"])
        for one in json.loads(out)
    ] == [("公开集", "beir", 3, 2, 2), ("小集", "jsonl", 2, 2, None)]
    assert json.loads(cli("list", beir.name, "--json")[1]) == json.loads(out)[:1]


def test_list_shows_sets_and_what_is_wrong_with_the_others(cli, question_file: Path) -> None:
    (question_file.parent / "坏.jsonl").write_text("{\n", encoding="utf-8")
    code, out, _ = cli("list", question_file.parent)
    assert code == 0
    assert re.search(r"小集 +│ jsonl │ 4 +│ 3 +│ —", out)
    assert re.search(r"坏 +│ jsonl │ — +│ — +│ —", out)
    assert "第 1 行：不是 JSON" in out.replace("\n", "")
    assert cli("list", question_file.parent / "无")[0] == 1


def test_list_as_json_says_the_same(cli, question_file: Path) -> None:
    (question_file.parent / "坏.jsonl").write_text("{\n", encoding="utf-8")
    code, out, _ = cli("list", question_file.parent, "--json")
    assert code == 0
    bad, good = json.loads(out)
    assert (bad["name"], bad["questions"]) == ("坏", None)
    assert "第 1 行：不是 JSON" in bad["fault"]
    assert (good["name"], good["questions"], good["answerable"]) == ("小集", 4, 3)
