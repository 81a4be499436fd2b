"""An answer that is sent while it is made: what goes wrong on the way, and what every stream has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import chain

from starlette.responses import StreamingResponse

from api.handlers import Failure, failure_of
from rag.ask import Part
from rag.errors import AbandonedError, CasebookError

_LOG = logging.getLogger("casebook.api")

EVENT_STREAM = "text/event-stream"


def streamed(
    parts: Generator[Part, None, None],
    write: Callable[[Iterator[Part]], Iterator[bytes]],
    broken: Callable[[Failure], bytes],
) -> StreamingResponse:
    """Send an answer as it comes.

    The first part is waited for here: what fails until then still has a status of its own.

    Args:
        parts: As `rag.ask.Asker.parts` gives them; closed when the response is.
        write: Makes lines of them.
        broken: Makes a line of what goes wrong in between: the status is already sent.
    """
    first = next(parts)

    def lines() -> Iterator[bytes]:
        with closing(parts):
            try:
                yield from write(chain((first,), parts))
            except AbandonedError:
                return  # there is nobody to tell
            except CasebookError as error:
                _LOG.exception("an answer broke off")
                yield broken(failure_of(error))
            except Exception as error:
                yield broken(failure_of(error))
                raise  # the server logs it with its traceback

    return StreamingResponse(
        lines(),
        media_type=EVENT_STREAM,
        # nginx would hold the lines back until it has enough of them.
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
