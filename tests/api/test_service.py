"""How a service is reached, and what is said when it is not."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

import pytest

from api.problems import INVALID_FIELD, OVERLOADED, Problem
from api.schemas import SearchResponse
from api.scope import RequestRefusedError, Scope
from api.searcher import IndexSearcher, Searcher
from api.service import Service, ServiceUnavailableError
from rag.assistant import Assistant
from tests.servers import serving_handler

REQUEST = Scope().request("智能退税")

Ask = Callable[[Searcher], SearchResponse]


def ask_now(searcher: Searcher) -> SearchResponse:
    return searcher.search(REQUEST)


def ask_on_a_loop(searcher: Searcher) -> SearchResponse:
    return asyncio.run(searcher.asearch(REQUEST))


@pytest.fixture(params=[ask_now, ask_on_a_loop])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


@dataclass
class Gateway:
    """Something that answers at a service's address, and what it was sent."""

    url: str = ""
    status: int = 200
    answer: str = "{}"
    delay_s: float = 0.0
    paths: list[str] = field(default_factory=list)
    bodies: list[object] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    state = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.paths.append(self.path)
            state.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.keys.append(self.headers.get("Authorization"))
            time.sleep(state.delay_s)
            body = state.answer.encode()
            try:
                self.send_response(state.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client went away, as one test wants

    with serving_handler(Handler) as port:
        state.url = f"http://127.0.0.1:{port}"
        yield state


def without_time(response: SearchResponse) -> SearchResponse:
    return response.model_copy(update={"took_ms": 0.0})


def test_a_service_answers_what_the_index_in_this_process_does(
    port: int, assistant: Assistant, ask: Ask
) -> None:
    served = ask(Service(f"http://127.0.0.1:{port}/"))
    assert served.passages[0].passage_id == "c33adef876c:42-61"
    assert without_time(served) == without_time(ask(IndexSearcher(assistant)))


def test_only_what_differs_from_the_contracts_defaults_is_sent(gateway: Gateway, ask: Ask) -> None:
    with pytest.raises(ServiceUnavailableError):
        ask(Service(f"{gateway.url}/casebook/"))
    assert gateway.paths == ["/casebook/api/v1/search"]
    assert gateway.bodies == [{"query": "智能退税"}]
    assert gateway.keys == [None]


def test_a_key_is_sent_without_its_line_end_and_never_shown(gateway: Gateway, ask: Ask) -> None:
    gateway.status, gateway.answer = 401, "no such key: s3cret"
    service = Service(gateway.url, "s3cret\n")
    with pytest.raises(RequestRefusedError) as refused:
        ask(service)
    assert gateway.keys == ["Bearer s3cret"]
    assert str(refused.value) == (
        f"{gateway.url}/api/v1/search 返回 HTTP 401：'no such key: ***'；"
        "请用 api_key 传入该服务接受的密钥"
    )
    assert "s3cret" not in repr(service)


def test_a_problem_is_told_in_the_services_words(gateway: Gateway, ask: Ask) -> None:
    problem = Problem.of(INVALID_FIELD, "top_k：不能大于 50。请改正后重试。")
    gateway.status, gateway.answer = 422, problem.model_dump_json()
    with pytest.raises(RequestRefusedError) as refused:
        ask(Service(gateway.url))
    assert str(refused.value) == (
        f"{gateway.url}/api/v1/search 返回 HTTP 422：top_k：不能大于 50。请改正后重试"
    )


def test_a_busy_service_is_one_that_may_answer_later(gateway: Gateway, ask: Ask) -> None:
    problem = Problem.of(OVERLOADED, "同时检索的人较多，请稍候几秒重试。")
    gateway.status, gateway.answer = 503, problem.model_dump_json()
    with pytest.raises(ServiceUnavailableError) as busy:
        ask(Service(gateway.url))
    assert str(busy.value) == (
        f"{gateway.url}/api/v1/search 返回 HTTP 503：同时检索的人较多，请稍候几秒重试"
    )
    assert len(gateway.bodies) == 1


@pytest.mark.parametrize("answer", ["<html>\n登录</html>", "{}", "[]", ""])
def test_an_answer_that_is_no_search_result_is_shown(
    gateway: Gateway, ask: Ask, answer: str
) -> None:
    gateway.answer = answer
    with pytest.raises(ServiceUnavailableError) as raised:
        ask(Service(gateway.url))
    shown = " ".join(answer.split())
    assert str(raised.value) == (
        f"{gateway.url}/api/v1/search 返回的不是检索结果，而是 {shown!r}；"
        "请确认这是 Casebook 服务的地址，且两边版本相同"
    )


def test_a_redirect_is_not_followed(gateway: Gateway, ask: Ask) -> None:
    gateway.status, gateway.answer = 307, ""
    with pytest.raises(RequestRefusedError, match=r"返回 HTTP 307：''$"):
        ask(Service(gateway.url, "s3cret"))
    assert len(gateway.bodies) == 1


def test_a_service_that_is_too_slow_is_unavailable(gateway: Gateway, ask: Ask) -> None:
    gateway.delay_s = 1.0
    with pytest.raises(ServiceUnavailableError, match=r"search 超时（ReadTimeout.*casebook serve"):
        ask(Service(gateway.url, timeout_s=0.05))


def test_an_address_where_nobody_listens_says_what_to_start(ask: Ask) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServiceUnavailableError) as raised:
        ask(Service(url))
    assert str(raised.value).startswith(f"{url}/api/v1/search 连接出错（ConnectError: ")
    assert str(raised.value).endswith("；请确认服务已启动（casebook serve）、地址无误，然后重试")


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    port: int, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert ask(Service(f"http://127.0.0.1:{port}")).passages


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000",
        "ftp://127.0.0.1",
        "http://",
        "http://user:pass@127.0.0.1",
        "http://127.0.0.1/?key=pass",
        "http://127.0.0.1/#pass",
        "http://127.0.0.1:port",
        "http://[::1",
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_at_once(url: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        Service(url)
    assert str(refused.value) == (
        "服务的地址应形如 http://127.0.0.1:8000，不带用户名、密码和参数"
        "（密钥用 api_key 传入）；请改正地址后重试"
    )


@pytest.mark.parametrize("key", ["密钥", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        Service("http://127.0.0.1:8000", key)
    assert str(refused.value) == "密钥（api_key）含有不能发送的字符；请改正后重试"
