"""Work in a child process, so that it may die."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Callable
from typing import Any


class Died(Exception):  # noqa: N818 - an event
    """A child ended in a way that no test meant."""


def forked(work: Callable[[], Any]) -> tuple[int, Any]:
    """Run in a child; its exit status, and what was returned."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.write(writer, json.dumps(work()).encode())
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not go on as its parent
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        returned = stream.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, json.loads(returned) if returned else None


def sure(work: Callable[[], Any]) -> Any:
    """Run in a child that must not fail."""
    status, returned = forked(work)
    if status:
        raise Died(status)
    return returned
