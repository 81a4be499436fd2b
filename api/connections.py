"""Connections that give up on whoever is too slow: uvicorn's own wait for as long as a client likes.

A client that sends its headers a byte a minute, or asks for a page and never reads it, holds a
connection; a thousand of them hold every descriptor that the process may have. What a client sends
after its headers is `api.edge.BodyLimit`'s business, which can still answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_S = 10.0
"""From the first moment of a connection, or the first byte of a further request, to the end of its headers."""
HEADERS_BYTES = 16 * 1024
"""Of one request, its first line included: the parser would take any number."""
READING_S = 30.0
"""For a client to read on, once what waits for it fills the buffers."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientConnection(HttpToolsProtocol):
    """A connection of uvicorn's that ends when its client takes too long, or says too much at first.

    Attributes:
        headers_s: Seconds for the headers of a request.
        reading_s: Seconds without reading.
    """

    headers_s = HEADERS_S
    reading_s = READING_S

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._asking: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._in_headers = False
        self._heard = 0  # bytes of these headers, in pieces that did not end them

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._wait_for_headers()

    def on_message_begin(self) -> None:
        """Take the first byte of a request."""
        super().on_message_begin()
        self._in_headers, self._heard = True, 0

    def on_headers_complete(self) -> None:
        """Begin with a request, as uvicorn does."""
        self._in_headers = False
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take some bytes, and see whether they make a request."""
        super().data_received(data)
        if self._in_headers:
            self._heard += len(data)
            if self._heard > HEADERS_BYTES:
                self.transport.write(_TOO_LARGE)
                self.transport.close()
        if self.cycle is None or self.cycle.response_complete:
            self._wait_for_headers()
        else:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the next request, if any, as uvicorn does."""
        self._stop_waiting()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._release()
        self._stuck = self.loop.call_later(self.reading_s, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._release()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._release()
        super().connection_lost(exc)

    def _wait_for_headers(self) -> None:
        """From now on, unless it is waited for already."""
        if self._asking is None:
            self._asking = self.loop.call_later(self.headers_s, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _release(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None
