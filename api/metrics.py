"""What the service counts, in Prometheus's form, at ``GET /metrics``.

Labels have few values, whatever is sent: routes are counted by their template, and all addresses
that are none as one. The only module that imports prometheus_client.

Source:
    https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from threading import Event

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import is_loopback
from api.notes import CLIENT, ROUTE, VERDICT, route_of
from rag.answer import Answer, AnswerSentence
from rag.ask import Writer
from rag.conversation import Turn

PATH = "/metrics"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counts of one service.

    Args:
        index_version: Names the index that questions are answered from now.
        waiting: Counts the requests that wait for their turn.
    """

    def __init__(
        self, index_version: Callable[[], str], waiting: Callable[[], int] = lambda: 0
    ) -> None:
        self._version = index_version
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "casebook_requests", "答完的请求", ("route", "method", "status"), registry=registry
        )
        self._seconds = Histogram(
            "casebook_request_seconds",
            "从收到请求到答完的秒数",
            ("route",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_flight = Gauge("casebook_requests_in_flight", "正在答的请求", registry=registry)
        Gauge("casebook_requests_waiting", "排队的请求", registry=registry).set_function(waiting)
        self._refused = Counter(
            "casebook_refused",
            "因繁忙或超出配额而谢绝的请求",
            ("route", "status"),
            registry=registry,
        )
        self._degraded = Counter(
            "casebook_degraded",
            "语言模型没有写成、改由原文作答的回答",
            ("trouble",),
            registry=registry,
        )
        self._feedback = Counter("casebook_feedback", "存下的意见", ("verdict",), registry=registry)
        self._index = Gauge("casebook_index_info", "使用中的索引", ("version",), registry=registry)

    def began(self) -> None:
        """Count a request in."""
        self._in_flight.inc()

    def ended(self, scope: Scope, status: int, seconds: float) -> None:
        """Count a request out.

        Args:
            scope: As the application left it.
            status: Of the response; 0 where there was none.
            seconds: Since it began.
        """
        self._in_flight.dec()
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._requests.labels(route, method, f"{status // 100}xx").inc()
        self._seconds.labels(route).observe(seconds)
        if status in {429, 503}:
            self._refused.labels(route, str(status)).inc()
        if VERDICT in scope:
            self._feedback.labels(scope[VERDICT]).inc()

    def degraded(self, trouble: str) -> None:
        """Count an answer that a language model should have worded, and did not."""
        self._degraded.labels(trouble).inc()

    def text(self) -> bytes:
        """Write all of it."""
        self._index.clear()
        self._index.labels(self._version()).set(1)
        return generate_latest(self._registry)


class MetricsPage:
    """Answers ``GET /metrics``, to a known client or to this machine itself.

    What came through a proxy is no request of this machine, though it comes from its address.

    Args:
        app: What is behind it; it is also asked where the page is not shown.
        metrics: What is shown.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        asked = scope["type"] == "http" and scope["path"] == PATH
        if asked and scope["method"] in {"GET", "HEAD"} and _shown_to(scope):
            scope[ROUTE] = PATH
            body = self._metrics.text() if scope["method"] == "GET" else b""
            headers = {"Cache-Control": "no-store"}
            await Response(body, headers=headers, media_type=_TYPE)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _shown_to(scope: Scope) -> bool:
    if CLIENT in scope:
        return True
    headers = Headers(scope=scope)
    host = (scope.get("client") or ("", 0))[0]  # a socket of the file system has none
    return is_loopback(host) and not any(name in headers for name in _FORWARDED)


class CountedWriter:
    """A `Writer` whose troubles are counted.

    Args:
        writer: Words answers.
        metrics: Counts.
    """

    def __init__(self, writer: Writer, metrics: Metrics) -> None:
        self._writer = writer
        self._metrics = metrics

    def write(
        self, extracted: Answer, left: Event | None = None
    ) -> Generator[AnswerSentence | Answer, None, None]:
        """Word an answer; see `Writer.write`."""
        with closing(self._writer.write(extracted, left)) as parts:
            for part in parts:
                if isinstance(part, Answer) and part.checking and part.checking.trouble:
                    self._metrics.degraded(part.checking.trouble)
                yield part

    def standalone(self, turns: Sequence[Turn], message: str, districts: Sequence[str]) -> str:
        """Put a follow-up question in whole words; see `Writer.standalone`."""
        return self._writer.standalone(turns, message, districts)
