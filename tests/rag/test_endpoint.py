"""How a service is reached, apart from what it is asked; `test_remote` and `test_chat` ask."""

from __future__ import annotations

import pytest

from rag.endpoint import Access, Endpoint, is_loopback
from rag.errors import CasebookError, ModelError


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("vectors.localhost", True),
        ("10.0.0.7", False),
        ("localhost.example.com", False),
        ("mylocalhost", False),
    ],
)
def test_this_machine_is_known_by_its_names(host: str, *, local: bool) -> None:
    assert is_loopback(host) is local


def test_what_a_pause_raises_ends_the_asking(chat_service) -> None:
    def sleep(_: float) -> None:
        raise StopIteration

    chat_service.answers = [503, 503]
    access = Access(chat_service.url, "chat/completions", key_variable="KEY")
    endpoint = Endpoint(access, unavailable=CasebookError, sleep=sleep)
    with pytest.raises(StopIteration):
        endpoint.post({"messages": []})
    assert len(chat_service.asked) == 1
    endpoint.close()


def test_the_error_is_the_callers_own(chat_service) -> None:
    chat_service.answers = [404]
    access = Access(f"{chat_service.url}/", "embeddings", key_variable="KEY")
    endpoint = Endpoint(access, unavailable=ModelError)
    with pytest.raises(ModelError, match="返回 HTTP 404，内容是 '404'，已尝试 1 次"):
        endpoint.post([])
    assert chat_service.paths == ["/v1/embeddings"]
    endpoint.close()


def test_the_key_is_not_in_what_is_printed_of_an_access() -> None:
    assert "secret" not in repr(Access("http://a/v1", "x", key_variable="KEY", api_key="secret"))
