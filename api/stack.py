"""What stands around the application, in its order from the outside; all of it outlives an index version.

Observed     an id, a line of log and the counts of every request, also of those refused
safeguards   whose request it is, and whether that one may
Draining     /readyz says 503 before the service stops
MetricsPage  /metrics
Admission    503 to what would compute while there is no place, before its body is read
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp

from api import dify, openai_errors
from api.admission import Admission, Door, Turnstiles
from api.draining import Drain, Draining
from api.handlers import as_problem
from api.metrics import Metrics, MetricsPage
from api.observed import Observed
from rag.ask import Asker
from rag.errors import EncoderUnavailableError

_LOG = logging.getLogger("casebook.api")

_ANYTHING = "优化营商环境"


def doors_of(turnstiles: Turnstiles) -> Mapping[tuple[str, str], Door]:
    """List the addresses that compute; ``/mcp`` refuses by itself, tool by tool.

    Args:
        turnstiles: Those that the application counts by.
    """
    search, answer = turnstiles.searches, turnstiles.answers
    return {
        ("POST", "/api/v1/search"): Door(search, as_problem),
        ("POST", "/api/v1/verify"): Door(search, as_problem),
        ("POST", "/api/v1/ask"): Door(answer, as_problem),
        ("GET", "/search"): Door(search, as_problem),
        ("POST", "/dify/retrieval"): Door(search, dify.respond),
        ("POST", "/dify//retrieval"): Door(search, dify.respond),
        ("POST", "/v1/chat/completions"): Door(answer, openai_errors.respond),
        ("POST", "/v1/embeddings"): Door(turnstiles.embeddings, openai_errors.respond),
    }


def warm_up(asker: Asker) -> None:
    """Answer one question before anyone asks: pages of the model are read, buffers found.

    A remote encoder that is down is told by the first question that somebody asks.
    """
    try:
        asker.ask(_ANYTHING)
    except EncoderUnavailableError as error:
        _LOG.warning("%s", error)


@dataclass(frozen=True, slots=True)
class Stack:
    """What is made once for as long as the service runs.

    Attributes:
        turnstiles: Those that the application counts by.
        metrics: Counts.
        drain: Begins when the service is to stop.
    """

    turnstiles: Turnstiles
    metrics: Metrics
    drain: Drain

    def around(self, app: ASGIApp, safeguards: Callable[[ASGIApp], ASGIApp]) -> ASGIApp:
        """Put everything around an application.

        Args:
            app: Answers.
            safeguards: Puts around an application whatever decides who may ask it.
        """
        inside = MetricsPage(Admission(app, doors_of(self.turnstiles)), self.metrics)
        return Observed(safeguards(Draining(inside, self.drain)), self.metrics)
