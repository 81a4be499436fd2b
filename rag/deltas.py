r"""Bytes of a streamed chat reply -> pieces of text, whichever server wrote them.

The form is server-sent events, each one line ``data: {"choices": [{"delta": {"content": "..."}}]}``,
ended by ``data: [DONE]``. Servers differ: no space behind the colon, comments to keep a connection
alive, a first event with a role and no text, text that is null while a model thinks, counts of
tokens with no choices, an error as an event, no ``[DONE]``, or one JSON body for a server that does
not stream.
"""

from __future__ import annotations

import codecs
import json
from typing import Any

from rag.errors import CasebookError

_LONGEST_LINE = 1_000_000
"""Bytes of one event; a server that does not stream sends the whole reply in one."""
_LONGEST_REPLY = 8_000_000
"""Bytes altogether: events have 200 bytes around a character of text."""
_SHOWN_CHARS = 200
_UNREADABLE = "返回的内容里读不出回答"


class DeltaError(CasebookError):
    """A streamed reply cannot be read.

    Attributes:
        why: What is wrong with it.
        data: The event in question, which may hold anything; empty if there is none.
    """

    def __init__(self, why: str, data: str = "") -> None:
        self.why = why
        self.data = data
        super().__init__(f"{why}：{data[:_SHOWN_CHARS]!r}" if data else why)


class DeltaReader:
    """Reads one reply.

    Attributes:
        reason: Why the model stopped, as the server says (``stop``, ``length``); None until then.
        done: Whether the server said that this was all.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.done = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._plain = ""
        self._read = 0
        self._half = ""

    def read(self, piece: bytes) -> str:
        """Take the next bytes.

        Args:
            piece: As it came; it may end anywhere, within a character too. Empty at the end.

        Returns:
            The text that they complete, often none.

        Raises:
            DeltaError: If this is no such reply, is an error, or is too long.
        """
        self._read += len(piece)
        if self._read > _LONGEST_REPLY or len(self._line) > _LONGEST_LINE:
            message = f"返回的内容太长：{self._read} 字节"
            raise DeltaError(message)
        text = self._line + self._decoder.decode(piece, final=not piece)
        *lines, self._line = text.split("\n")
        if not piece:
            lines.append(self._line)
            self._line = ""
        said = "".join(map(self._said, lines))
        if not piece and self._plain:
            said += self._event(self._plain)
            self.done = True
        return self._whole(said, last=not piece)

    def _said(self, line: str) -> str:
        """Read one line: an event's data, or a part of a body that is no stream."""
        line = line.strip("\r\ufeff ")
        if line.startswith("data:"):
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                self.done = True
            return "" if self.done or not data else self._event(data)
        if self._plain or line.startswith("{"):
            self._plain += line
            if len(self._plain) > _LONGEST_LINE:
                message = f"返回的内容太长：{self._read} 字节"
                raise DeltaError(message)
        return ""  # a comment, an event's name, or nothing

    def _event(self, data: str) -> str:
        """Read what an event says: a piece of the first choice, the only one that is asked for."""
        try:
            event = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise DeltaError(_UNREADABLE, data) from error
        if not isinstance(event, dict) or event.get("error"):
            why = "返回的是错误"
            raise DeltaError(why, data)
        choices = event.get("choices")
        if not choices:  # counts of tokens
            return ""
        choice = choices[0] if isinstance(choices, list) else None
        if not isinstance(choice, dict):
            raise DeltaError(_UNREADABLE, data)
        reason = choice.get("finish_reason")
        self.reason = reason if isinstance(reason, str) and reason else self.reason
        return _content(choice.get("delta") or choice.get("message"))

    def _whole(self, text: str, *, last: bool) -> str:
        """Join surrogate pairs, also over two events; half a pair alone could not be written down."""
        text = self._half + text
        self._half = ""
        if text and not last and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _content(delta: Any) -> str:
    """Take the text; what a model thinks (``reasoning_content``) is not part of it."""
    content = delta.get("content") if isinstance(delta, dict) else None
    return content if isinstance(content, str) else ""
