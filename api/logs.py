"""What the service says of itself: JSON lines on stderr, one event each.

No question and no query string is ever logged: what a request is known by is its route and its id. A
key that stands in an address all the same is taken out. The libraries' own messages come out in the same form.
"""

from __future__ import annotations

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from api.keys import redacted

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being served; threads that work for it know it too."""

DETAILS = "details"
"""Attribute of a record that holds fields of its own: ``log.info(…, extra={DETAILS: {…}})``."""


class JsonLine(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, message, request_id, its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; a traceback becomes the field ``error``."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if current := request_id.get():
            fields["request_id"] = current
        fields.update(getattr(record, DETAILS, {}))
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return redacted(json.dumps(fields, ensure_ascii=False, default=str))


def log_to(stream: TextIO) -> None:
    """Send everything that is logged to a stream, in JSON lines.

    Ours from INFO on, others from WARNING on.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLine())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("casebook").setLevel(logging.INFO)
