"""A model's words as they stream -> the sentences that it wrote, each with the numbers that it cites."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_MAYBE_TAG = re.compile(r"<[/a-zA-Z]{0,10}\Z")
"""The end of a text that may turn out to be the beginning of a tag."""
_MARK = r"[\[［【]\s*\^?(?:证据|来源|资料)?\s*\d{1,3}(?:\s*[,，、;；]\s*(?:证据|来源|资料)?\d{1,3})*\s*[\]］】]"
_CITED = re.compile(_MARK)
_END = re.compile(rf"(?:[。！？!?；;]+[”’」』）)】》]*|[.](?=\s)|\n)(?:[^\S\n]*{_MARK})*")
_MAYBE_MARK = re.compile(r"[^\S\n]*(?:[\[［【][^\]］】]{0,40})?\Z")
"""What may follow an end and yet belong to the sentence: a mark of which not all has come."""
_BULLET = re.compile(r"\A\s*(?:[-*•·●▪]+\s+|#{1,6}\s+|>\s*|[（(]?\d{1,2}[)）、.．](?!\d)\s*)+")
_LONGEST = 2_000
"""Code points of a sentence that does not end; whatever it is, it is none."""


@dataclass(frozen=True, slots=True)
class Written:
    """A sentence that a model wrote.

    Attributes:
        text: Without marks, list signs and white space around it; not empty.
        citations: Numbers that it cites, as written, rising, each once; none if it cites nothing.
    """

    text: str
    citations: tuple[int, ...]


class SentenceReader:
    """Cuts streaming text into sentences.

    A sentence ends at ``。！？；``, a line break, or a full stop before white space. Marks count
    wherever they stand, before the final punctuation or after it, as ``[1]``, ``【1】``, ``［1］``,
    ``[1,2]`` or ``[1][2]``. Clauses parted by semicolons share the marks behind the last of them.
    What a model thinks aloud is left out.

    >>> reader = SentenceReader()
    >>> reader.read("三天到账。[1"), reader.read("]免费办理【2】。")
    ([], [Written(text='三天到账。', citations=(1,))])
    >>> reader.read("", last=True)
    [Written(text='免费办理。', citations=(2,))]
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._text = ""
        self._waiting: list[Written] = []

    def read(self, piece: str, *, last: bool = False) -> list[Written]:
        """Take the next piece.

        Args:
            piece: It may end anywhere.
            last: Whether nothing follows.

        Returns:
            The sentences that are complete now, in order.
        """
        self._hear(piece, last=last)
        complete: list[Written] = []
        while match := _END.search(self._text):
            following = self._text[match.end() :]
            if not last and match.group()[-1] != "\n" and _MAYBE_MARK.match(following):
                break
            complete += self._cut(match.end())
        if last or len(self._text) > _LONGEST:
            complete += self._cut(len(self._text), last=True)
        return complete

    def _hear(self, piece: str, *, last: bool) -> None:
        """Add what is said aloud; a thought's end without its beginning makes all before it one."""
        held = self._held + piece
        while tag := _TAG.search(held):
            if tag.group(1):
                self._text = self._text if self._thinking else ""
            elif not self._thinking:
                self._text += held[: tag.start()]
            self._thinking = not tag.group(1)
            held = held[tag.end() :]
        maybe = None if last else _MAYBE_TAG.search(held)
        start = maybe.start() if maybe else len(held)
        if not self._thinking:
            self._text += held[:start]
        self._held = held[start:]

    def _cut(self, end: int, *, last: bool = False) -> list[Written]:
        """Take the text up to a place off as a sentence; one that ends in a semicolon may have to wait."""
        raw, self._text = self._text[:end], self._text[end:]
        cited = {int(n) for mark in _CITED.findall(raw) for n in re.findall(r"\d+", mark)}
        text = _BULLET.sub("", _CITED.sub("", raw)).strip()
        if text and any(character.isalnum() for character in text):
            self._waiting.append(Written(text, tuple(sorted(cited))))
        elif cited and self._waiting:  # marks on a line of their own
            before = self._waiting[-1]
            cited |= set(before.citations)
            self._waiting[-1] = Written(before.text, tuple(sorted(cited)))
        if not self._waiting or (not last and not cited and text.endswith(("；", ";"))):
            return []
        shared = self._waiting[-1].citations
        complete = [Written(one.text, one.citations or shared) for one in self._waiting]
        self._waiting = []
        return complete
