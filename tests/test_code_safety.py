"""What the code never does, read from its syntax: run what it was given, unpickle, fetch what a user names.

Each rule is first shown a program that breaks it, so that a rule that sees nothing fails.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in [
        *(p for package in ("rag", "index", "api", "eval") for p in (ROOT / package).rglob("*.py")),
        ROOT / "casebook.py",
    ]
}


def dotted(node: ast.expr) -> str:
    """Write a name as it stands in the source: ``np.load``; empty for what is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def modules(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, and every name out of one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def keyword(call: ast.Call, name: str) -> object:
    for given in call.keywords:
        if given.arg == name and isinstance(given.value, ast.Constant):
            return given.value.value
    return None


def imports(*names: str) -> Callable[[ast.AST], bool]:
    return lambda tree: any(
        module == name or module.startswith(f"{name}.")
        for module in modules(tree)
        for name in names
    )


def runs_text(tree: ast.AST) -> bool:
    given = {"eval", "exec", "compile", "__import__", "importlib.import_module", "os.system"}
    return any(name in given or name.startswith(("os.popen", "os.exec")) for name, _ in calls(tree))


def runs_a_shell(tree: ast.AST) -> bool:
    return any(keyword(call, "shell") not in {None, False} for _, call in calls(tree))


def loads_arrays_with_objects(tree: ast.AST) -> bool:
    return any(
        name in {"np.load", "numpy.load"} and keyword(call, "allow_pickle") is not False
        for name, call in calls(tree)
    )


def loads_weights_with_code(tree: ast.AST) -> bool:
    loaded = any(
        name == "torch.load" and keyword(call, "weights_only") is not True
        for name, call in calls(tree)
    )
    return loaded or any(keyword(call, "trust_remote_code") for _, call in calls(tree))


def loads_torch_files(tree: ast.AST) -> bool:
    return any(name == "torch.load" for name, _ in calls(tree))


def fills_templates_without_escaping(tree: ast.AST) -> bool:
    return any(
        name.endswith("Environment") and keyword(call, "autoescape") is not True
        for name, call in calls(tree)
    )


def makes_templates_of_strings(tree: ast.AST) -> bool:
    return any(name.endswith((".from_string", "jinja2.Template")) for name, _ in calls(tree))


RULES: list[tuple[Callable[[ast.AST], bool], str, list[str]]] = [
    # rule, a program that breaks it, files that may
    (runs_text, "eval(request)", []),
    (runs_a_shell, "subprocess.run(x, shell=True)", []),
    (imports("pickle", "cPickle", "dill", "cloudpickle", "joblib"), "import pickle", []),
    (imports("marshal", "shelve"), "from marshal import loads", []),
    (imports("yaml"), "import yaml", []),
    (loads_arrays_with_objects, "np.load(f)", []),
    (loads_arrays_with_objects, "np.load(f, allow_pickle=True)", []),
    (loads_weights_with_code, "torch.load(f)", []),
    (loads_weights_with_code, "AutoModel.from_pretrained(x, trust_remote_code=True)", []),
    # The one conversion of a file whose hash is known.
    (loads_torch_files, "torch.load(f, weights_only=True)", ["rag/preparation/export.py"]),
    (fills_templates_without_escaping, "jinja2.Environment()", []),
    # Out of its own file, which comes with the package.
    (makes_templates_of_strings, "environment.from_string(x)", ["eval/report.py"]),
    (
        imports("subprocess"),
        "import subprocess",
        [
            "eval/bench/contender.py",
            "eval/growth.py",
            "eval/provenance.py",
            "rag/preparation/packages.py",
        ],
    ),
    # Encoders, language models and services that the operator names; nothing takes an address
    # from a request, so there is nothing to check addresses for.
    (imports("httpx"), "import httpx", ["api/service.py", "rag/endpoint.py"]),
    (
        imports("urllib.request", "requests", "aiohttp", "http.client", "ftplib"),
        "import requests",
        ["eval/bench/contender.py"],  # services that the bench started itself
    ),
]


@pytest.mark.parametrize(("breaks", "program", "allowed"), RULES, ids=[rule[1] for rule in RULES])
def test_the_code_does_it_nowhere_but_where_it_is_allowed_to(
    breaks: Callable[[ast.AST], bool], program: str, allowed: list[str]
) -> None:
    assert breaks(ast.parse(program))
    assert sorted(file for file, tree in SOURCES.items() if breaks(tree)) == allowed


def test_nothing_that_serves_imports_what_fetches() -> None:
    """Only clients of a service do, and whoever asks the language model or encoder of the operator."""
    users = {
        file
        for file, tree in SOURCES.items()
        if file.startswith(("api/", "index/"))
        and imports("rag.endpoint", "rag.remote", "rag.chat", "api.service")(tree)
    }

    assert users <= {
        "api/langchain_retriever.py",
        "api/llamaindex_retriever.py",
        "api/searcher.py",
        "api/service.py",
        "index/cli_expand.py",
        "index/cli_ask.py",
    }
