"""A service as its operator chose it: put together, warmed up, and run until it is stopped.

From the outside in: `Stack` counts and logs, `Audit` notes, `Safeguards` lets in, `Stack` drains and
admits, `Reloading` hands over to the application of the index that is current.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.types import ASGIApp

from api.admission import Turnstiles
from api.app import create_app
from api.connections import PatientConnection
from api.draining import Drain, DrainingServer
from api.heap import trimmed_heap
from api.index_watch import IndexWatch
from api.keeping import Keeping
from api.links import Links
from api.logs import log_to
from api.metrics import CountedWriter, Metrics
from api.protocols import Protocols
from api.reloading import Degraded, Reloading
from api.safeguards import Safeguards
from api.stack import Stack, warm_up
from api.state import kept_state
from index.manifest import Manifest
from index.store import OpenIndex, encoder_of, open_index
from rag.ask import Asker
from rag.cpus import granted_cpus
from rag.encoder import Encoder
from rag.remembered import remembering

if TYPE_CHECKING:
    from rag.writer import ModelWriter

_GRACE_S = 25
"""Seconds that requests under way have to finish; service managers kill after 30 and more."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What an operator chose.

    Attributes:
        index: The index directory.
        models: Where prepared models are.
        public_url: Where readers reach the service; None where they use its own address.
        llm: A language model, as `rag.chat.config_of` reads it; None for the sources' own words.
        drain_s: Seconds from saying that the service stops to stopping.
        keeping: What is kept of what is asked.
        safeguards: Who may ask.
    """

    index: Path
    models: Path
    public_url: str | None
    llm: str | None
    drain_s: float
    keeping: Keeping
    safeguards: Safeguards


def launch(
    listener: socket.socket,
    chosen: Choices,
    *,
    ready: Callable[[], None],
) -> None:
    """Serve until stopped.

    Args:
        listener: Bound, and not yet listening.
        chosen: The operator's choices.
        ready: Called as soon as questions can be answered; makes the socket listen.

    Raises:
        CasebookError: If the index, its encoder or the language model cannot be used.
    """
    links = Links(chosen.public_url)
    writer = _writer(chosen.llm) if chosen.llm else None
    opened = open_index(chosen.index, chosen.models, load=_encoder)
    log_to(sys.stderr)
    turnstiles = Turnstiles.for_cpus(granted_cpus(), worded=writer is not None)
    metrics = Metrics(lambda: reloading.opened.version.name, lambda: turnstiles.waiting)
    stack = Stack(turnstiles, metrics, Drain(chosen.drain_s))
    with kept_state(chosen.keeping) as state:

        def application(opened: OpenIndex, degraded: Degraded) -> ASGIApp:
            manifest = opened.version.manifest
            return create_app(
                Asker(opened.assistant, writer and CountedWriter(writer, metrics)),
                passages=manifest.passages,
                encoder=manifest.encoder.name,
                turnstiles=turnstiles,
                protocols=Protocols(opened.encoder, links, chosen.safeguards.hosts),
                feedback=state.feedback,
                queries=state.queries,
                degraded=degraded,
            )

        reloading = Reloading(opened, application)
        warm_up(Asker(opened.assistant))

        def guarded(app: ASGIApp) -> ASGIApp:
            inside = chosen.safeguards.around(app)
            return state.audited(inside, lambda: reloading.opened.version.name)

        server = DrainingServer(
            uvicorn.Config(
                stack.around(reloading, guarded),
                http=PatientConnection,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,  # addresses of the search page hold people's questions
                server_header=False,
                proxy_headers=False,  # anyone can send them; `Safeguards` knows whom to believe
                timeout_graceful_shutdown=_GRACE_S,
            ),
            stack.drain,
        )
        ready()
        watch = IndexWatch(reloading, chosen.index, chosen.models, load=_encoder)
        with watch, trimmed_heap():
            server.run(sockets=[listener])


def _encoder(manifest: Manifest, models: Path) -> Encoder:
    return remembering(encoder_of(manifest, models, shared=True))


def _writer(llm: str) -> ModelWriter:
    # Its HTTP client takes time and memory that a service without a model can do without.
    from rag.writer import writer_of  # noqa: PLC0415

    return writer_of(llm)
