"""A real Chromium in front of a real service; what a test wants to decide, a `Stage` answers instead.

Pages are opened as ``http://intranet.test``: like an intranet and unlike localhost, that is no secure
context, so there is no clipboard, no crypto.subtle and no Brotli.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from starlette.types import ASGIApp

from api.app import create_app
from api.feedback_store import FeedbackStore
from index.build import build
from index.store import current_version, open_version
from rag.ask import Asker
from tests.browser.answers import Answers
from tests.browser.complaints import Complaints, watch
from tests.browser.input_method import InputMethod
from tests.browser.portal import Portal
from tests.browser.stage import HOST, Gate, Stage, serving

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
MISSING = (
    "no Chromium on PATH: nothing below tests/browser was run; on Debian: apt install chromium"
)

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

QUESTIONS = ("退税几天到账", "退税要什么材料")
"""What the first case is known to answer."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it loudly where a line among the skipped would be overlooked."""
    if CHROMIUM is None:
        terminalreporter.write_sep("!", MISSING, red=True, bold=True)


@pytest.fixture(scope="session")
def feedback_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the service keeps what readers say."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def service(
    make_encoder: Callable[[], Any], feedback_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> ASGIApp:
    """The whole application over a small collection, built and opened as it is in earnest."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "某市.txt").write_text(COLLECTION, encoding="utf-8")
    run = COLLECTION.index("静安区税务局"), COLLECTION.index("二、成效")
    known = {"start": run[0], "end": run[1], "questions": QUESTIONS}
    (folder / "某市.questions.jsonl").write_text(json.dumps(known), encoding="utf-8")
    encoder = make_encoder()
    build([folder / "某市.txt"], folder / "index", encoder)
    assistant = open_version(current_version(folder / "index"), encoder)
    return create_app(
        Asker(assistant), passages=5, encoder="counting", feedback=FeedbackStore(feedback_folder)
    )


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
def screenshots() -> Path | None:
    """Where to leave pictures of what was tested; None leaves none."""
    folder = os.environ.get("CASEBOOK_SCREENSHOTS")
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def answers() -> Answers:
    return Answers()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A place in a reply to stop at; nothing waits there once the test is over."""
    gate = Gate()
    yield gate
    gate.open()


@pytest.fixture
def portal(page: Page, stage: Stage) -> Portal:
    """Pages with the element, in front of the service as it is."""
    return Portal(page, stage)


@pytest.fixture
def written(stage: Stage, answers: Answers) -> None:
    """Whatever is asked, the answer is the one written down: two sentences from two cases."""
    stage.answer("/api/v1/ask", answers.streamed())
