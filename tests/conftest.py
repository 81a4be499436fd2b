"""Shared by all tests: an encoder to compute by hand, a small collection, the real index, services."""

from __future__ import annotations

import json
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.build import build
from rag.encoder import EncoderIdentity
from rag.models import DEFAULT_MODEL
from tests.servers import serving_handler

ROOT = Path(__file__).parent.parent

# Shells let what they run in the background ignore interrupts, and so does whatever that starts: tests
# of being interrupted would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

COLLECTION = """\
某市2023年优化营商环境优秀案例

排名1
退税快办
一、主要做法
静安区税务局推出智能退税，三日到账。企业不再跑窗口。
二、成效
静安区退税提速，退税企业两千户。

排名2
帮办代办
嘉定区设立帮办站，帮办员现场服务。帮办六千次，群众少跑腿。
"""


class CountingEncoder:
    """Encodes a text as how often it uses each character of an alphabet; one token a character.

    A text without any of them points along an axis of its own.
    """

    def __init__(self, alphabet: str = "退税帮办企业", max_tokens: int = 512) -> None:
        self.alphabet = alphabet
        self.encoded: list[str] = []
        self.identity = EncoderIdentity(
            name=f"counting-{alphabet}",
            revision="1",
            weights_sha256="0" * 64,
            dimension=len(alphabet) + 1,
            max_tokens=max_tokens,
            query_prompt="",
            passage_prompt="",
            pooling="count",
            normalized=True,
        )

    def encode_query(self, question: str) -> NDArray[np.float32]:
        counts = [question.count(character) for character in self.alphabet]
        vector = np.array([*counts, 0 if any(counts) else 1], dtype=np.float32)
        return np.asarray(vector / np.linalg.norm(vector))

    def encode_passages(
        self, texts: Sequence[str], *, on_progress: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        self.encoded.extend(texts)
        if on_progress is not None:
            on_progress(len(texts))
        rows = [self.encode_query(text) for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), self.identity.dimension)

    def count_tokens(self, text: str) -> int:
        return len(text)

    def count_query_tokens(self, question: str) -> int:
        return len(question)


class CountingTokenEncoder(CountingEncoder):
    """The same, which also gives a token for each character: its axis, or a direction of its own."""

    def encode_query_tokens(self, question: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self.encode_query(question), self._tokens(question)

    def encode_passage_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        self.encoded.extend(texts)
        return [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> NDArray[np.float32]:
        rows = np.array([self._token(one) for one in text], dtype=np.float32)
        return rows.reshape(len(text), self.identity.dimension)

    def _token(self, character: str) -> NDArray[np.float64]:
        dimension = self.identity.dimension
        if character in self.alphabet:
            return np.eye(dimension)[self.alphabet.index(character)]
        somewhere = np.random.default_rng(ord(character)).normal(size=dimension)
        return np.asarray(somewhere / np.linalg.norm(somewhere))


@pytest.fixture
def token_encoder() -> CountingTokenEncoder:
    return CountingTokenEncoder()


@pytest.fixture
def encoder() -> CountingEncoder:
    return CountingEncoder()


@pytest.fixture(scope="session")
def make_encoder() -> type[CountingEncoder]:
    return CountingEncoder


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """A folder with one file of two cases."""
    folder = tmp_path / "案例 2023"
    folder.mkdir()
    (folder / "某市.txt").write_text(COLLECTION, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def models() -> Path:
    """The prepared models; `make test` prepares the default one."""
    folder = ROOT / "var" / "models"
    if not (folder / DEFAULT_MODEL / "encoder.json").is_file():
        pytest.fail("the real model is not prepared; run: make test")
    return folder


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The bundled collection."""
    return ROOT / "data" / "shanghai-2022-business-environment-cases.txt"


@pytest.fixture(scope="session")
def real_index(models: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled collection, indexed with the real model."""
    from rag.encoders import load_encoder

    folder = tmp_path_factory.mktemp("real") / "index"
    build([corpus], folder, load_encoder(DEFAULT_MODEL, models))
    return folder


@pytest.fixture
def copied_index(real_index: Path, tmp_path: Path) -> Path:
    """The same, for one test to change."""
    copy = tmp_path / "index"
    shutil.copytree(real_index, copy)
    return copy


def six_questions(asked: str) -> str:
    """What a model would say: six questions with the first words of the passage in them."""
    begins = asked.partition("<<<\n")[2][:6]
    ways = ("怎么办", "多久", "找谁", "在哪里", "要花钱吗", "谁能用")
    return json.dumps([f"{begins}{way}" for way in ways], ensure_ascii=False)


@dataclass
class Service(ABC):
    """An endpoint that answers as OpenAI-compatible ones do, and what it has been asked."""

    url: str = ""
    answers: list[object] = field(default_factory=list)  # a status or a body, before the usual
    headers: dict[str, str] = field(default_factory=dict)  # sent with every answer
    delay_s: float = 0.0
    asked: list[dict[str, object]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)

    @abstractmethod
    def usual(self, body: dict[str, Any]) -> object:
        """Answer a request."""


@dataclass
class ChatService(Service):
    """A language model's endpoint."""

    say: Callable[[str], str] = six_questions  # the last message -> the model's answer

    def usual(self, body: dict[str, Any]) -> object:
        said = self.say(body["messages"][-1]["content"])
        message = {"role": "assistant", "content": said}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


@dataclass
class VectorService(Service):
    """An encoder's endpoint, whose vectors are the texts' lengths."""

    def usual(self, body: dict[str, Any]) -> object:
        texts = body["input"]
        rows = [{"index": i, "embedding": [len(text), 1.0, 0.0]} for i, text in enumerate(texts)]
        return {"data": rows[::-1]}  # the order is the index's business


@contextmanager
def serving(state: Service) -> Iterator[None]:
    """Run a real HTTP server for a service."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(body)
            state.paths.append(self.path)
            state.keys.append(self.headers.get("Authorization"))
            time.sleep(state.delay_s)
            answer = state.answers.pop(0) if state.answers else state.usual(body)
            status = answer if isinstance(answer, int) else 200
            content = answer if isinstance(answer, str) else json.dumps(answer)
            try:
                self.send_response(status)
                for name, value in state.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content.encode())))
                self.end_headers()
                self.wfile.write(content.encode())
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client went away, as some tests want

    with serving_handler(Handler) as port:
        state.url = f"http://127.0.0.1:{port}/v1"
        yield


@pytest.fixture
def chat_service() -> Iterator[ChatService]:
    state = ChatService()
    with serving(state):
        yield state


@pytest.fixture
def vector_service() -> Iterator[VectorService]:
    state = VectorService()
    with serving(state):
        yield state


Contract = Callable[[Any, int], Counter[str]]


@pytest.fixture(scope="session")
def hold_to_its_document() -> Contract:
    """Send sound and unsound requests to every operation of a service, and check each answer.

    Given the application and how many of each; returns how many were sent to which operation.
    """
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable
    from schemathesis.specs.openapi import checks

    # Methods that are none of a route's are not written down for each; a schema cannot say that a
    # question is not blank, nor that 43.0 is no whole number.
    left_out = [checks.unsupported_method, checks.positive_data_acceptance]
    # What violates the schema is refused, and what is too large for it is refused unread.
    refused = ["401", "403", "404", "405", "413", "415", "422", "429"]
    rejection = {"negative_data_rejection": {"expected-statuses": refused}}
    config = schemathesis.Config.from_dict({"checks": rejection})

    def hold(app: Any, examples: int) -> Counter[str]:
        sent: Counter[str] = Counter()
        for found in schemathesis.openapi.from_asgi(
            "/openapi.json", app, config=config
        ).get_all_operations():
            operation = found.ok()
            for mode in schemathesis.GenerationMode:

                @settings(
                    max_examples=examples,
                    deadline=None,
                    database=None,
                    derandomize=True,
                    phases=[Phase.explicit, Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )
                @given(call=operation.as_strategy(generation_mode=mode))
                def answers(call: schemathesis.Case) -> None:
                    sent[f"{call.method} {call.path}"] += 1
                    call.call_and_validate(excluded_checks=left_out)

                # Where nothing can be sent, nothing unsound can be.
                with suppress(Unsatisfiable):
                    answers()
        return sent

    return hold
