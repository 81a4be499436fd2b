"""What only a real server on a real socket shows."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    yield connection
    connection.close()


def test_a_question_and_its_answer_cross_the_wire(connection: http.client.HTTPConnection) -> None:
    body = json.dumps({"query": "智能退税", "top_k": 1})
    connection.request("POST", "/api/v1/search", body, {"Content-Type": "application/json"})
    response = connection.getresponse()

    assert response.status == 200
    assert json.load(response)["passages"][0]["passage_id"] == "c33adef876c:42-61"


def test_a_connection_stays_usable_after_head(connection: http.client.HTTPConnection) -> None:
    for path in ("/", "/nothing", "/static/search.js"):
        connection.request("HEAD", path)
        head = connection.getresponse()
        assert head.read() == b""
        connection.request("GET", path)
        get = connection.getresponse()
        assert (head.status, head.headers["content-length"]) == (get.status, str(len(get.read())))


def test_a_body_that_says_it_is_too_large_is_refused_unread(
    connection: http.client.HTTPConnection,
) -> None:
    connection.putrequest("POST", "/api/v1/search")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()  # and not one byte of it
    response = connection.getresponse()

    assert response.status == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["connection"] == "close"
    assert json.load(response)["type"] == "/problems/body-too-large"
