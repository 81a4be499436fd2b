"""One script out of several files: its size, its syntax, and what it never does."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from importlib.resources import files

import pytest

from api.widget_bundle import AT_ONCE, LATER, LATER_STYLES, STYLES, minified, widget_script

FILES = (*AT_ONCE, *LATER)
SOURCES = {
    path.name: path.read_text(encoding="utf-8") for path in (files("api") / "widget").iterdir()
}
SCRIPT = widget_script().decode("utf-8-sig")


def test_every_file_is_in_the_script() -> None:
    assert sorted(SOURCES) == sorted([*FILES, STYLES, LATER_STYLES])


def test_the_script_travels_in_twelve_kilobytes_sheet_included() -> None:
    assert len(gzip.compress(widget_script(), 9, mtime=0)) <= 12 * 1024


def test_the_script_says_by_itself_that_it_is_utf_8() -> None:
    assert widget_script().startswith(b"\xef\xbb\xbf(() => {")
    assert widget_script() is widget_script()


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("const a = 1; // one\nlet b;\n", "const a=1;let b;"),
        (
            "/** what\n * it is */\nfunction f(a, b) {\n  return a + b;\n}\n",
            "function f(a,b){return a+b}",
        ),
        ('say("a  // b /* c */");', 'say("a  // b /* c */");'),
        (r'say("\" // b");', r'say("\" // b");'),
        ("say(`${a}  // ${b}`);", "say(`${a}  // ${b}`);"),
        (
            "t.split(/[a-z' ] \"/).map((it) => / +/g.test(it));",
            "t.split(/[a-z' ] \"/).map((it)=>/ +/g.test(it));",
        ),
        (r"a.replace(/[/]\/ x/, b); // c", r"a.replace(/[/]\/ x/,b);"),
        ("const half = width / 2; // of it\nconst x = a / b;", "const half=width/2;const x=a/b;"),
    ],
)
def test_only_comments_and_white_space_are_dropped(written: str, served: str) -> None:
    assert minified(written) == served


def test_the_script_parses() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH; the browser tests load the script as well")
    done = subprocess.run(
        [node, "--check", "-"], input=SCRIPT, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.parametrize("name", FILES)
def test_no_file_makes_markup_of_strings_or_asks_anybody_else(name: str) -> None:
    code = re.sub(r"^\s*(//|\*|/\*).*$", "", SOURCES[name], flags=re.MULTILINE)
    sinks = r"innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|\beval\b|new Function|setHTML"
    assert not re.search(sinks, code)
    assert not re.search(r"https?://|\"data:|localStorage|sessionStorage|document\.cookie", code)


@pytest.mark.parametrize("name", FILES)
def test_no_file_needs_more_than_chrome_90(name: str) -> None:
    code = re.sub(r'"(?:\\.|[^"\\])*"', '""', SOURCES[name])
    newer = r"\?\.[a-z(\[]|\?\?|#[a-z]+\s*[=(;]|\.at\(|hasOwn|structuredClone|AbortSignal|replaceAll|\.push\(sheet"
    assert not re.search(newer, code)
    assert not re.search(
        r":has\(|@container|dvh|@layer|color-mix|light-dark",
        SOURCES[STYLES] + SOURCES[LATER_STYLES],
    )


def test_no_template_stands_inside_of_another_and_no_string_is_single_quoted() -> None:
    # What `minified` may rely on.
    for name in FILES:
        code = minified(SOURCES[name])
        assert all("`" not in it[1:-1] for it in re.findall(r"`(?:\\.|[^`\\])*`", code)), name
        quoted = re.sub(r'"(?:\\.|[^"\\])*"', '""', code)
        assert not re.search(r"[=(,:\[]'", quoted), name


def test_no_property_of_the_sheets_comes_from_the_page_but_those_it_may_set() -> None:
    first, later = re.findall(r'let [$\w]+="((?:\\.|[^"\\])*\{(?:\\.|[^"\\])*)";', SCRIPT)
    used = set(re.findall(r"var\((--[\w-]+)", first + later))
    root = first[first.index(".root{") :]
    declared = set(re.findall(r"(--[\w-]+):", root[: root.index("}")]))
    assert used - declared == {"--casebook-accent", "--casebook-font-size"}
    assert all(len(name) == len("--a") for name in declared)


def test_every_word_is_there_in_both_languages_and_used() -> None:
    table = SOURCES["strings.js"]
    rows = re.findall(r"^  (\w+): \"([^\"|]+)\|([^\"|]+)\",$", table, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^  \w+: ", table, re.MULTILINE)) > 50
    code = "".join(SOURCES[name] for name in FILES if name != "strings.js")
    composed = {
        "extractive",
        "llm",
        "extractiveNote",
        "llmNote",
        "question",
    }  # named by the service
    refusals = {"not_in_collection", "not_in_district"}
    for key, chinese, english in rows:
        assert re.search(r"[\u4e00-\u9fff]", chinese), key
        assert set(re.findall(r"\{\w\}", chinese)) == set(re.findall(r"\{\w\}", english)), key
        assert f'"{key}"' in code or key in composed | refusals, key
