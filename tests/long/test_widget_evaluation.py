"""What the search box costs a page in script, beside the lightest search box there is.

CASEBOOK_MINIBAR names ``typesense-minibar.js`` of typesense-minibar 1.3.3 (MIT,
https://github.com/jquery/typesense-minibar); it is no part of this repository. Both stand in the same
page around the same form and are loaded in turn, each time by a browser that knows neither, at a quarter of
the processor's speed. Machines differ and drift; the ratio of the medians of one run is what counts.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import Browser, sync_playwright

from api.widget_bundle import widget_script

pytestmark = pytest.mark.long

MINIBAR_BYTES = 6_397
"""Of 1.3.3; a copy that lacks what loading does not run is no comparison."""

ROUNDS = 120
SETTLED_MS = 300
OURS, THEIRS = "/widget/v1/casebook.js", "/typesense-minibar.js"
FORM = '<form action="/"><input name="q" type="search"><button>go</button></form>'
ELEMENTS = {
    OURS: f"<casebook-search>{FORM}</casebook-search>",
    THEIRS: f'<typesense-minibar data-origin="http://127.0.0.1:9" data-collection="c" data-key="k">{FORM}</typesense-minibar>',
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What loading a page once took, in milliseconds.

    Attributes:
        run: All running of scripts until the page had settled (``ScriptDuration``).
        evaluated: The script's own evaluation (the trace's ``EvaluateScript``).
    """

    run: float
    evaluated: float


@pytest.fixture(scope="module")
def minibar() -> bytes:
    path = os.environ.get("CASEBOOK_MINIBAR")
    if path is None:
        pytest.skip("CASEBOOK_MINIBAR names no typesense-minibar.js to compare with")
    script = Path(path).read_bytes()
    if len(script) != MINIBAR_BYTES:
        pytest.fail(
            f"{path} has {len(script)} bytes; typesense-minibar.js 1.3.3 has {MINIBAR_BYTES}"
        )
    return script


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@contextmanager
def serving(scripts: Mapping[str, bytes]) -> Iterator[str]:
    """Serve the scripts, and for each a page that loads it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = self.path.removesuffix(".html")
            page = (
                '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>t</title>'
                f'<script src="{script}" defer></script>{ELEMENTS.get(script, "")}'
            )
            body = scripts.get(self.path, page.encode())
            kind = "text/javascript" if self.path in scripts else "text/html"
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def cost(browser: Browser, origin: str, path: str) -> Cost:
    """Load a page with one of the scripts in a browser that has seen neither."""
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    session.send("Performance.enable")
    browser.start_tracing(page=page, categories=["-*", "devtools.timeline"])
    page.goto(f"{origin}{path}.html")
    page.wait_for_timeout(SETTLED_MS)
    metrics = {it["name"]: it["value"] for it in session.send("Performance.getMetrics")["metrics"]}
    events = json.loads(browser.stop_tracing())["traceEvents"]
    context.close()
    evaluations = [
        event["dur"] / 1000
        for event in events
        if event["name"] == "EvaluateScript" and event["args"]["data"]["url"] == origin + path
    ]
    assert len(evaluations) == 1
    return Cost(metrics["ScriptDuration"] * 1000, evaluations[0])


def test_the_search_box_takes_no_more_script_than_the_lightest(
    minibar: bytes, chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    scripts = {OURS: widget_script(), THEIRS: minibar}
    costs: dict[str, list[Cost]] = {OURS: [], THEIRS: []}
    with serving(scripts) as origin:
        for path in scripts:  # what only the first page of a browser pays
            cost(chromium, origin, path)
        for turn in range(ROUNDS):
            for path in (OURS, THEIRS) if turn % 2 else (THEIRS, OURS):
                costs[path].append(cost(chromium, origin, path))
    run = {path: median(it.run for it in costs[path]) for path in costs}
    evaluated = {path: median(it.evaluated for it in costs[path]) for path in costs}
    with capsys.disabled():
        for name, ms in (("ScriptDuration", run), ("EvaluateScript", evaluated)):
            print(f"\n{name}: {ms[OURS]:.1f} ms, minibar {ms[THEIRS]:.1f} ms", end="")  # noqa: T201 -- the figures are what the run is for
    assert run[OURS] <= run[THEIRS]
    assert evaluated[OURS] <= evaluated[THEIRS]
