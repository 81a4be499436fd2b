"""Real servers on ports of their own, for as long as a test needs them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import uvicorn
from starlette.types import ASGIApp


@contextmanager
def serving_app(app: ASGIApp, **options: object) -> Iterator[int]:
    """Serve an application, and tell its port; options are those of Uvicorn."""
    listener = socket.create_server(("127.0.0.1", 0))
    settings = {
        "log_level": "warning",
        "lifespan": "off",
        "ws": "none",
        # As `casebook serve` has it; by default uvicorn believes what any client on this machine forwards.
        "proxy_headers": False,
        **options,
    }
    server = uvicorn.Server(uvicorn.Config(app, **settings))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@contextmanager
def serving_handler(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Let a handler answer, and tell its port; it logs nothing."""

    class Silent(handler):  # type: ignore[misc, valid-type]
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
