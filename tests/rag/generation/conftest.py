"""A language model that says what a test wants, when it wants, over real HTTP; and evidence for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from rag.answer import Answer, AnswerSentence
from rag.assistant import Finding, Findings
from rag.chat import ChatClient, ChatConfig
from rag.cite import cite
from rag.extract import extract
from rag.generate import GenerationConfig, generate
from rag.sentences import sentences_of
from rag.types import Case, District, Hit, Passage, Section, Source, Span
from tests.servers import serving_handler


def event(text: str | None, **choice: Any) -> bytes:
    """One event of a streamed reply."""
    body = {"choices": [{"index": 0, "delta": {"content": text}, **choice}]}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


@dataclass
class Model:
    """What the endpoint does: texts are said, bytes are sent, numbers are seconds of silence."""

    url: str = ""
    steps: list[str | bytes | float] = field(default_factory=list)
    status: int = 200
    length: int | None = None  # announced; more than is sent makes a broken connection
    asked: list[dict[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    def says(self, text: str, *, size: int = 3) -> None:
        """Say a text in pieces, and end properly."""
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        ended = event("", finish_reason="stop") + b"data: [DONE]\n\n"
        self.steps = [event("", role="assistant"), *pieces, ended]


@pytest.fixture
def model() -> Iterator[Model]:
    state = Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            try:
                self.send_response(state.status)
                if state.length is not None:
                    self.send_header("Content-Length", str(state.length))
                self.end_headers()
                for step in state.steps:
                    if isinstance(step, float):
                        state.over.wait(step)
                    else:
                        self.wfile.write(event(step) if isinstance(step, str) else step)
            except (BrokenPipeError, ConnectionResetError):
                state.gone.set()

    with serving_handler(Handler) as port:
        state.url = f"http://127.0.0.1:{port}/v1"
        yield state
        state.over.set()


@pytest.fixture
def chat(model: Model) -> Iterator[ChatClient]:
    client = ChatClient(ChatConfig(model.url, "qwen", api_key="secret", timeout_s=5))
    yield client
    client.close()


JINGAN = (
    "为破解退税难题，静安区税务局推出智能退税，三日到账。企业不再跑窗口，全年退税1.5亿元。"
    "退税企业2000余户，但未按期申报的除外。热线“12366”全天接听。"
)
JIADING = "嘉定区设立帮办站，帮办员现场服务。全年帮办6538次，群众少跑腿。"


def finding_of(
    text: str, district: str | None, title: str, *, score: float = 0.9, question: str = "问"
) -> Finding:
    """A passage that is the whole of its case."""
    span = Span(0, len(text))
    source = Source(f"{title}.txt", "0" * 64, "utf-8", text)
    own = () if district is None else (District(district, Span(0, 1)),)
    body = Section("", 0, Span(0, 0), span)
    case = Case(title, source, span, "优秀案例", 2023, 1, title, own, body)
    passage = Passage(title, ("做法",), span, text, sentences_of(text, span))
    near = tuple(0.9 - 0.01 * n for n in range(len(passage.sentences)))
    hit = Hit(passage, score, score, 0.5, 0.0, 0.0, near)
    return Finding(hit, cite(case, passage), elsewhere=False, question=question)


@pytest.fixture
def make_finding() -> Callable[..., Finding]:
    return finding_of


@pytest.fixture
def findings() -> Callable[..., Findings]:
    """Make findings: of two cases, or of those given."""

    def make(*found: Finding, question: str = "退税几天到账？", **other: Any) -> Findings:
        both = finding_of(JINGAN, "静安区", "退税快办"), finding_of(JIADING, "嘉定区", "帮办代办")
        usual: dict[str, Any] = {"confidence": 0.9, "reason": None, "named": ()}
        return Findings(question, "1", found or both, **(usual | other))

    return make


@pytest.fixture
def ask(chat: ChatClient) -> Callable[..., tuple[list[AnswerSentence], Answer]]:
    """Generate to the end; the patience is long unless a test says otherwise."""

    def run(
        found: Findings, config: GenerationConfig | None = None
    ) -> tuple[list[AnswerSentence], Answer]:
        *sentences, answer = generate(extract(found), chat, config or GenerationConfig())
        assert isinstance(answer, Answer)
        shown = [one for one in sentences if isinstance(one, AnswerSentence)]
        assert tuple(shown) == answer.sentences
        return shown, answer

    return run
