"""Whoever leaves is answered no further: a language model is not waited for, its connection is cut."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Generator, Sequence

import pytest

from api.admission import Turnstile, Turnstiles
from api.app import create_app
from rag.answer import Answer, AnswerSentence
from rag.ask import Asker
from rag.assistant import Assistant
from rag.conversation import Turn
from rag.errors import AbandonedError


class Slow:
    """A writer that says one sentence, and then waits until nobody listens."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.left = threading.Event()

    def write(
        self, extracted: Answer, left: threading.Event | None = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        yield AnswerSentence("退税三天到账。", (1,), None)
        self.begun.set()
        assert left is not None
        assert left.wait(60)
        self.left.set()
        raise AbandonedError

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        return message


ASK = {"query": "智能退税"}
CHAT = {"model": "casebook", "messages": [{"role": "user", "content": "智能退税"}]}


@pytest.mark.parametrize(
    ("path", "body", "accept"),
    [
        ("/api/v1/ask", ASK, "text/event-stream"),
        ("/api/v1/ask", ASK, "application/json"),
        ("/v1/chat/completions", {**CHAT, "stream": True}, "*/*"),
        ("/v1/chat/completions", CHAT, "*/*"),
    ],
)
def test_the_place_of_one_who_left_is_free_while_the_model_still_speaks(
    assistant: Assistant, serve: Callable[..., str], path: str, body: object, accept: str
) -> None:
    slow, turnstile = Slow(), Turnstile(1, queue=0)
    app = create_app(
        Asker(assistant, slow),
        passages=0,
        encoder="none",
        turnstiles=Turnstiles(turnstile, turnstile, turnstile),
    )
    url = serve(app)
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as leaver:
        leaver.sendall(head.encode() + content)
        assert slow.begun.wait(60)
        assert turnstile.full

    assert slow.left.wait(60)
    for _ in range(1000):
        if not turnstile.full:
            break
        threading.Event().wait(0.02)
    assert not turnstile.full
