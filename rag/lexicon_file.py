"""The operator's lexicon: a file that is read anew when it changes, while questions are answered.

It stands beside the versions of an index, outlives rebuilds and is optional. There is no thread
that watches: a question looks at the file, at most once a second.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from rag.lexicon import NO_LEXICON, Lexicon, LexiconError, read_lexicon

LEXICON = "lexicon.tsv"
"""Name of the operator's lexicon in an index directory."""
_LOG = logging.getLogger("casebook.lexicon")
_PAUSE_S = 1.0
"""Between two looks at the file: a look takes microseconds, and nobody edits faster."""


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What tells one state of a file from another without reading it."""

    modified_ns: int
    changed_ns: int  # permissions, too, where the system keeps it
    size: int
    inode: int


_UNSEEN = _Stamp(-1, -1, -1, -1)
"""Of a file that the system does not let us look at: reading it will say why."""


class LexiconFile:
    """A lexicon that follows its file; a `rag.lexicon.Wording`.

    A file that is not there is an empty lexicon, at the start and later. One that becomes faulty
    leaves the last sound one in use; that is logged once for each change, with file and line.

    Safe to use from several threads at once: one reads, the others go on with what there is.

    Args:
        file: Need not be there.
        pause_s: Seconds between two looks at it; 0 for a look with each question.

    Raises:
        LexiconError: If it cannot be used at the start.
    """

    def __init__(self, file: Path, *, pause_s: float = _PAUSE_S) -> None:
        self.file = file
        self._pause_s = pause_s
        self._lock = Lock()
        # Before the file is read: a change in between is then seen at the next look.
        self._stamp = _stamp_of(file)
        self._lexicon = _read(file, self._stamp)
        self._looked_s = time.monotonic()

    def official(self, question: str) -> tuple[str, ...]:
        """Look a question up in the file as it is now; see `rag.lexicon.Lexicon.official`."""
        return self.current().official(question)

    def districts(self, question: str) -> tuple[str, ...]:
        """Look districts up in the file as it is now; see `rag.lexicon.Lexicon.districts`."""
        return self.current().districts(question)

    def current(self) -> Lexicon:
        """Return what the file says, or said when it was last sound."""
        due = time.monotonic() - self._looked_s >= self._pause_s
        if due and self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._lexicon

    def _look(self) -> None:
        self._looked_s = time.monotonic()
        stamp = _stamp_of(self.file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._lexicon = _read(self.file, stamp)
        except LexiconError as error:
            # The sentence has file and line; a trace would hide it.
            _LOG.error("%s；仍用此前的口语词表", error)
        else:
            _LOG.info("%s：已重新读入，%d 个说法", self.file, len(self._lexicon.entries))


def _stamp_of(file: Path) -> _Stamp | None:
    """Take a file's stamp; None where there is no file."""
    try:
        found = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return _UNSEEN
    return _Stamp(found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def _read(file: Path, stamp: _Stamp | None) -> Lexicon:
    return NO_LEXICON if stamp is None else read_lexicon(file)
