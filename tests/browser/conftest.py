"""A real Chromium in front of a real service; what a test wants to decide, a `Stage` answers instead.

Pages are opened as ``http://intranet.test``: like an intranet and unlike localhost, that is no secure
context, so there is no clipboard, no crypto.subtle and no Brotli.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_app
from api.widget_bundle import widget_script
from index.build import build
from index.store import current_version, open_version
from rag.ask import Asker

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
MISSING = (
    "no Chromium on PATH: nothing below tests/browser was run; on Debian: apt install chromium"
)

HOST = "intranet.test"

STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The strictest policy that a portal may have: no inline style, no data:, no HTML from strings."""

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

COLLECTION = """\
某市2023年优化营商环境优秀案例

排名1
智能退税一键到账
一、主要做法
静安区税务局推出智能退税，三日到账。企业不再跑窗口，退税申请一键批。
二、成效
静安区退税提速，退税企业两千户，平均退税三日到账。

排名2
帮办代办进楼宇
一、主要做法
嘉定区设立帮办站，帮办员现场服务企业。老年人不会上网，帮办员上门帮办。
二、成效
嘉定区帮办六千次，群众少跑腿。

排名3
开办企业一天办结
浦东新区开办企业一天办结，营业执照当场领取，企业印章免费。
"""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly where a line among the skipped would be overlooked."""
    if CHROMIUM is None:
        terminalreporter.write_sep("!", MISSING, red=True, bold=True)


@dataclass
class Gate:
    """A place where a reply stops until the test lets it go on."""

    opened: threading.Event = field(default_factory=threading.Event)

    def open(self) -> None:
        self.opened.set()


@dataclass
class Reply:
    """What a stage answers: the pieces are sent one by one, each as a chunk of its own."""

    pieces: Sequence[bytes | Gate] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Asked:
    """A request that a stage has answered."""

    path: str
    query: str
    body: Any
    headers: Mapping[str, str]
    left: threading.Event = field(default_factory=threading.Event)  # the client went away early
    over: threading.Event = field(default_factory=threading.Event)


class Stage:
    """An application with pages and replies put in front of it.

    Attributes:
        url: Where a browser finds it.
        pages: Bodies and headers by path.
        replies: Replies by path, in turn; the last one stays.
        asked: What was asked of the replies.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.url = ""
        self.clear()

    def clear(self) -> None:
        """Take everything away again but the script."""
        script = {"content-type": "text/javascript; charset=utf-8"}
        self.pages: dict[str, Reply] = {
            "/widget/v1/casebook.js": Reply([widget_script()], headers=script)
        }
        self.replies: dict[str, list[Reply]] = {}
        self.asked: list[Asked] = []

    def page(self, html: str | bytes, *, path: str = "/portal", **headers: str) -> str:
        """Serve a page, and tell its address."""
        body = html.encode() if isinstance(html, str) else html
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Reply([body], headers={"content-type": "text/html", **named})
        return self.url + path

    def answer(self, path: str, *replies: Reply) -> None:
        """Answer a path with these in turn."""
        self.replies[path] = list(replies)

    def asked_of(self, path: str) -> list[Asked]:
        """List what was asked of a path."""
        return [it for it in self.asked if it.path == path]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/favicon.ico":
            await _send(Reply(status=204), send)  # the browser asks for one that no page mentions
        elif path in self.pages:
            await _send(self.pages[path], send)
        elif path in self.replies:
            await self._play(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode()
        asked = Asked(scope["path"], query, json.loads(body) if body else None, headers)
        self.asked.append(asked)
        queue = self.replies[scope["path"]]
        reply = queue.pop(0) if len(queue) > 1 else queue[0]
        playing = asyncio.ensure_future(_send(reply, send))
        leaving = asyncio.ensure_future(_until_left(receive))
        await asyncio.wait({playing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            asked.left.set()
        for task in (playing, leaving):
            task.cancel()
        asked.over.set()


async def _until_left(receive: Receive) -> None:
    message: Message = {"type": ""}
    while message["type"] != "http.disconnect":
        message = await receive()


async def _send(reply: Reply, send: Send) -> None:
    headers = [(name.encode(), value.encode()) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for piece in reply.pieces:
        if isinstance(piece, Gate):
            while not piece.opened.is_set():  # noqa: ASYNC110  set from the test's thread
                await asyncio.sleep(0.01)
        else:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Put an application on a real port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none")
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://{HOST}:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.fixture(scope="session")
def service(make_encoder: Callable[[], Any], tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    """The whole application over a small collection, built and opened as it is in earnest."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "某市.txt").write_text(COLLECTION, encoding="utf-8")
    encoder = make_encoder()
    build([folder / "某市.txt"], folder / "index", encoder)
    assistant = open_version(current_version(folder / "index"), encoder)
    return create_app(Asker(assistant), passages=5, encoder="counting")


@pytest.fixture(scope="session")
def served(service: ASGIApp) -> Iterator[Stage]:
    """The service and what stands in front of it, on a real port."""
    stage = Stage(service)
    with serving(stage) as url:
        stage.url = url
        yield stage


@pytest.fixture
def stage(served: Stage) -> Iterator[Stage]:
    """The same, with nothing of another test in front of it."""
    yield served
    served.clear()


# Not for the session: while Playwright runs, its event loop counts as running in this thread, and
# tests of other modules that run one of their own would be refused.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; without one, what needs it is skipped and the summary says so."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"],
        )
        yield browser
        browser.close()


@dataclass
class Complaints:
    """What a page complained of: policy violations, errors in its console, scripts that threw."""

    violations: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def expect(self, part: str) -> None:
        """Take out the errors that a test brings about on purpose; there has to be one."""
        kept = [error for error in self.errors if part not in error]
        assert len(kept) < len(self.errors), (part, self.errors)
        self.errors[:] = kept


@pytest.fixture
def context_options() -> dict[str, Any]:
    """Options of the browser context; a module overrides this where it needs others."""
    return {"viewport": {"width": 768, "height": 1024}, "locale": "zh-CN"}


@pytest.fixture
def context(chromium: Browser, context_options: dict[str, Any]) -> Iterator[BrowserContext]:
    context = chromium.new_context(**context_options)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(
    context: BrowserContext,
    complaints: Complaints,
    stage: Stage,  # noqa: ARG001  stays until the page is gone, for what it asks to the last
) -> Iterator[Page]:
    """A page that must end without a complaint."""
    page = context.new_page()
    watch(page, complaints)
    yield page
    page.evaluate("0")  # what was reported until here has arrived
    assert complaints.violations == []
    assert complaints.errors == []


def watch(page: Page, complaints: Complaints) -> None:
    """Collect what a page complains of."""
    page.expose_function("reportViolation", lambda text: complaints.violations.append(text))  # noqa: PLW0108  Playwright marks the function, which a builtin refuses
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) =>"
        " reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));"
    )
    page.on("pageerror", lambda error: complaints.errors.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.errors.append(message.text) if message.type == "error" else None,
    )


@dataclass(frozen=True)
class InputMethod:
    """Types as an input method does, through the browser's own protocol.

    Source:
        https://chromedevtools.github.io/devtools-protocol/tot/Input/
    """

    send: Callable[..., Any]

    def compose(self, *steps: str) -> None:
        """Show one after another as text that is still being composed."""
        for text in steps:
            place = {"selectionStart": len(text), "selectionEnd": len(text)}
            self.send("Input.imeSetComposition", {"text": text, **place})

    def commit(self, text: str) -> None:
        """End the composition with a text."""
        self.send("Input.insertText", {"text": text})

    def key(self, key: str, code: int, *, windows: bool = False) -> None:
        """Press a key: as it is, or as Windows reports one that the input method has taken."""
        name, number = ("Process", 229) if windows else (key, code)
        shape = {"key": name, "code": key, "windowsVirtualKeyCode": number}
        self.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **shape})
        self.send("Input.dispatchKeyEvent", {"type": "keyUp", **shape})


@pytest.fixture
def ime(context: BrowserContext, page: Page) -> InputMethod:
    return InputMethod(context.new_cdp_session(page).send)


@pytest.fixture
def violations() -> Callable[[Page], list[str]]:
    """Ask axe-core for violations of WCAG 2.2 A and AA, shadow roots included."""

    def violations(page: Page) -> list[str]:
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found = Axe().run(page, options=options).response["violations"]
        return [f"{it['id']}: {node['html']}" for it in found for node in it["nodes"]]

    return violations


@pytest.fixture(scope="session")
def gzipped() -> Callable[[bytes], int]:
    """Count bytes as they travel."""
    return lambda content: len(gzip.compress(content, 9, mtime=0))


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where to leave pictures of what was tested; None leaves none."""
    folder = os.environ.get("CASEBOOK_SCREENSHOTS")
    return Path(folder) if folder else None


def passage(number: int | None, **changes: Any) -> dict[str, Any]:
    """A passage of an answer; a change named as a field of its citation is one of that."""
    citation = {
        "label": "静安区《智能退税》",
        "case_id": "c0000000001",
        "title": "智能退税",
        "district": "静安区",
        "districts": ["静安区"],
        "collection": "某市2023年优秀案例",
        "case_rank": 5,
        "year": 2023,
        "section": ["主要做法", "一键退税"],
        "source": {"file": "某市.txt", "sha256": "0" * 64, "start": 100, "end": 120},
        "url": "/cases/c0000000001?v=1#p=100-120",
    }
    whole = {
        "rank": number or 9,
        "passage_id": f"{changes.get('case_id', citation['case_id'])}:{number or 9}00-120",
        "text": "𠮷祥大厦推行智能退税，三日到账。企业不跑窗口。",
        "score": 0.5,
        "highlights": [[8, 10]],
        "other_district": False,
        "citation": citation,
    }
    if number is not None:
        whole["number"] = number
    for name, value in changes.items():
        (citation if name in citation else whole)[name] = value
    return whole


def sentence(text: str, *numbers: int, place: tuple[int, int] | None = None, lead: str = "") -> Any:
    """A sentence of an answer."""
    source = {"start": place[0], "end": place[1]} if place else None
    return {"text": text, "citations": list(numbers), "source": source, "lead": lead}


FIRST = sentence("𠮷祥大厦推行智能退税，三日到账。", 1, place=(100, 116))
SECOND = sentence("企业不跑窗口。", 1, 2, place=(116, 123))


def whole_answer(**changes: Any) -> dict[str, Any]:
    """An answer of two sentences from two cases."""
    other = passage(
        2,
        case_id="c0000000002",
        title="帮办代办",
        district="嘉定区",
        districts=["嘉定区"],
        collection="某市优秀案例",
        case_rank=None,
        section=[],
        url="/cases/c0000000002#p=1-9",
        other_district=True,
        text="帮办员上门，企业不跑窗口。",
        highlights=[],
    )
    return {
        "query": "退税几天到账",
        "index_version": "v000001",
        "mode": "extractive",
        "abstained": False,
        "confidence": 0.9,
        "reason": None,
        "named_districts": [],
        "took_ms": 3.0,
        "answer": {"text": "三日到账。[1]", "sentences": [FIRST, SECOND]},
        "citations": [passage(1), other],
        "nearest": [],
        "checking": None,
        **changes,
    }


def refusal(reason: str = "not_in_collection", **changes: Any) -> dict[str, Any]:
    """An answer that is none."""
    text = "案例集里没有与这个问题有关的内容。最接近的是：……"
    answer = {"text": text, "sentences": []}
    return whole_answer(abstained=True, reason=reason, answer=answer, **changes)


def event(name: str, data: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class Answers:
    """Replies of ``POST /api/v1/ask``, and what they are made of."""

    passage = staticmethod(passage)
    sentence = staticmethod(sentence)
    whole = staticmethod(whole_answer)
    refusal = staticmethod(refusal)
    event = staticmethod(event)

    def as_json(self, body: object, status: int = 200, **headers: str) -> Reply:
        """One body of JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body, ensure_ascii=False).encode()
        return Reply([content], status, {"content-type": "application/json", **named})

    def events(self, answer: dict[str, Any]) -> list[bytes]:
        """The events of an answer."""
        deltas = [{"text": it["text"], "sentence": it} for it in answer["answer"]["sentences"]]
        if answer["abstained"]:
            deltas = [{"text": answer["answer"]["text"], "sentence": None}]
        return [
            event("meta", answer),
            event("citations", answer),
            *(event("delta", delta) for delta in deltas),
            event("done", answer),
        ]

    def as_stream(self, *pieces: bytes | Gate) -> Reply:
        """Pieces of a stream of events."""
        return Reply(pieces, headers={"content-type": "text/event-stream; charset=utf-8"})

    def streamed(self, answer: dict[str, Any] | None = None) -> Reply:
        """An answer as events, by default one of two sentences."""
        return self.as_stream(*self.events(answer or whole_answer()))

    def suggestions(self, *texts: str, case: str | None = None) -> Reply:
        """Suggested questions, and the title of a case."""
        listed = [
            {"text": text, "kind": "question", "case_id": None, "highlights": [[0, 2]]}
            for text in texts
        ]
        if case is not None:
            listed.append(
                {"text": case, "kind": "case", "case_id": "c0000000001", "highlights": []}
            )
        return self.as_json({"query": "", "suggestions": listed})


@pytest.fixture(scope="session")
def answers() -> Answers:
    return Answers()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A place in a reply to stop at; nothing waits there once the test is over."""
    gate = Gate()
    yield gate
    gate.open()


SCRIPT = '<script src="/widget/v1/casebook.js" defer></script>'


@dataclass(frozen=True)
class Portal:
    """Opens pages with the element in them, by default under the strictest policy."""

    page: Page
    stage: Stage

    def open(self, attributes: str = "", inside: str = "", **headers: str) -> Page:
        """Open a page whose body is the element."""
        return self.open_html(
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>门户</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"{SCRIPT}<main><h1>门户</h1>"
            f"<casebook-search {attributes}>{inside}</casebook-search></main>",
            **headers,
        )

    def open_html(self, html: str | bytes, **headers: str) -> Page:
        """Open a page."""
        self.page.goto(self.stage.page(html, **{"content_security_policy": STRICT, **headers}))
        return self.page

    def ask(self, question: str = "退税几天到账", state: str = "answered") -> Page:
        """Ask, and wait for a state."""
        self.page.locator("#question").fill(question)
        self.page.keyboard.press("Enter")
        self.page.locator(f"[data-state={state}]").wait_for()
        return self.page


@pytest.fixture
def portal(page: Page, stage: Stage, answers: Answers) -> Portal:
    """Pages with the element, in front of a service that suggests nothing and answers one thing."""
    stage.answer("/api/v1/suggest", answers.suggestions())
    stage.answer("/api/v1/feedback", Reply(status=204))
    stage.answer("/api/v1/ask", answers.streamed())
    return Portal(page, stage)
