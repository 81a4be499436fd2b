"""Rules of the house that no linter checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [
    path for package in ("rag", "index", "api", "eval") for path in (ROOT / package).rglob("*.py")
]


@pytest.mark.parametrize("package", ["rag", "index", "api", "eval"])
def test_packages_import_nothing_by_themselves(package: str) -> None:
    assert (ROOT / package / "__init__.py").read_text() == ""


@pytest.mark.parametrize(
    ("library", "where"),
    [
        ("faiss", ["eval/bench/direct.py", "eval/bench/peers/llamaindex.py", "index/dense.py"]),
        ("langchain_text_splitters", ["rag/chunk.py"]),
        (
            "onnxruntime",
            [
                *("index/integers.py", "rag/graph.py"),
                *("rag/preparation/probe.py", "rag/preparation/quantize.py"),
            ],
        ),
        ("sqlite3", ["api/audit_log.py", "api/state_file.py", "index/vectors.py"]),
        ("tokenizers", ["rag/embed.py"]),
        ("torch", ["rag/preparation/export.py"]),
        (
            "sentence_transformers",
            ["eval/bench/direct.py", "eval/crossencoder.py", "rag/preparation/export.py"],
        ),
        ("transformers", ["rag/preparation/export.py"]),
        (
            "onnx",
            [
                "rag/preparation/alone.py",
                "rag/preparation/export.py",
                "rag/preparation/fuse.py",
                "rag/preparation/probe.py",
                "rag/preparation/quantize.py",
                "rag/preparation/smooth.py",
            ],
        ),
        ("huggingface_hub", ["rag/preparation/hub.py"]),
        ("mcp", ["api/mcp_server.py"]),
        ("prometheus_client", ["api/metrics.py"]),
        ("ir_measures", ["eval/measures.py"]),
        ("jinja2", ["eval/report.py"]),
        ("opencc", ["eval/perturbations.py"]),
        ("pypinyin", ["eval/sounds.py"]),
        ("httpx", ["api/service.py", "rag/endpoint.py"]),
        ("langchain_core", ["api/langchain_retriever.py"]),
        ("llama_index", ["api/llamaindex_retriever.py", "eval/bench/peers/llamaindex.py"]),
    ],
)
def test_a_heavy_library_is_imported_in_one_place(library: str, where: list[str]) -> None:
    pattern = re.compile(rf"^\s*(?:import|from) {library}\b", re.MULTILINE)
    found = [p.relative_to(ROOT).as_posix() for p in SOURCES if pattern.search(p.read_text())]
    assert sorted(found) == where


def test_pickles_are_loaded_in_one_place_and_only_as_weights() -> None:
    loading = re.compile(r"pickle\.load|torch\.load|joblib|allow_pickle=True|weights_only=False")
    hits = {
        path.relative_to(ROOT).as_posix(): loading.findall(path.read_text())
        for path in SOURCES
        if loading.search(path.read_text())
    }
    assert list(hits.values()) == [["torch.load"]]
    (place,) = hits
    assert "weights_only=True" in (ROOT / place).read_text()


def test_the_lock_pins_every_dependency_and_torch_without_a_build_tag() -> None:
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split() if line)
    assert pins["torch"] == "2.13.0"
    project = (ROOT / "pyproject.toml").read_text()
    names = re.findall(r'^    "([a-z0-9_-]+)[>=]=', project, re.MULTILINE)
    assert len(names) > 15
    locked = {name.lower().replace("_", "-") for name in pins}
    assert [name for name in names if name not in locked] == []


def test_every_dependency_says_what_it_is_for() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    lines = re.findall(r'^    "[a-z0-9_-]+[>=]=[^"]*",.*$', project, re.MULTILINE)
    assert [line for line in lines if "# " not in line] == []


def test_the_readmes_commands_exist() -> None:
    from typer.testing import CliRunner

    import casebook

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    names = set(re.findall(r"casebook (model [a-z]+|eval [a-z]+|[a-z]+)(?=[\s`])", readme))
    assert {"build", "check", "search", "serve", "model prepare", "eval run"} <= names
    for name in names - {"model", "eval"}:
        result = CliRunner().invoke(casebook.app, [*name.split(), "--help"])
        assert result.exit_code == 0, name


def test_the_wheel_holds_every_package_and_the_commands_module() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    module = project["project"]["scripts"]["casebook"].partition(":")[0]
    assert packed == [*project["tool"]["importlinter"]["root_packages"], f"{module}.py"]


def test_no_development_question_is_an_expansion() -> None:
    import json
    from difflib import SequenceMatcher

    from eval.questions import read_questions

    def letters(text: str) -> str:
        return "".join(filter(str.isalnum, text.casefold()))

    asked = [letters(q.text) for q in read_questions(ROOT / "eval" / "dev_questions.jsonl")]
    known = {
        letters(question)
        for file in (ROOT / "data").glob("*.questions.jsonl")
        for line in file.read_text(encoding="utf-8").splitlines()
        for question in json.loads(line)["questions"]
    }
    assert len(known) > 2000
    assert known.isdisjoint(asked)
    near = [
        k
        for k in known
        for a in asked
        if set(k) == set(a) and SequenceMatcher(None, k, a).ratio() >= 0.9
    ]
    assert near == []
