"""Links to a place in a case that can tell, later, whether its text has changed since.

``/cases/{id}?v=3fa94c01b2.1045.9f3c2a1b#p=1102-1160``: ``p`` is the place, ``v`` what it was when the
link was made: the beginning of the digest of the case's text, where the case began in its file, and
a hash of the words linked to. Edits elsewhere in the file move the place and change nothing else;
edits elsewhere in the case leave the words to be found by their hash.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from rag.types import Case, Span

_DIGITS = 10
"""Of the digest, 40 bits: an edit goes unnoticed once in 10¹²."""
_KEPT = 4096
"""Digests and hashes kept: passages are cited again and again, and ten links cost a millisecond."""
_BASE = 0x01000193
_BITS = 0xFFFFFFFF
_VERSION = re.compile(r"(?P<digest>[0-9a-f]{10})\.(?P<start>[0-9]{1,12})\.(?P<words>[0-9a-f]{8})")


@dataclass(frozen=True, slots=True)
class LinkedVersion:
    """What a case was when a link to a place in it was made.

    Attributes:
        digest: First hex digits of the SHA-256 of the case's text.
        start: Where the case began in its file.
        words: Hash of the words linked to, 8 hex digits; see `words_hash`.
    """

    digest: str
    start: int
    words: str

    def is_of(self, case: Case) -> bool:
        """Whether the case's text is still the same, wherever it now begins."""
        return self.digest == case_digest(case)


def url_of(case_id: str) -> str:
    """Path of the page that shows a case."""
    return f"/cases/{quote(case_id)}"


def permalink(case: Case, span: Span) -> str:
    """Path of the page that shows a place in a case, and tells if the case has changed.

    Further places may be added to its end (``,1200-1215``). The hash is of the first one's words.
    """
    return f"{_dated(case, span)}#p={span.start}-{span.end}"


def case_permalink(case: Case) -> str:
    """Path of the page that shows a case whole, and tells if it has changed."""
    return _dated(case, case.span)


def version_of(case: Case) -> str:
    """What a link says of a case as it is now, without the words: ``3fa94c01b2.1045``."""
    return f"{case_digest(case)}.{case.span.start}"


def _dated(case: Case, span: Span) -> str:
    words = words_hash(span.of(case.source.text))
    return f"{url_of(case.case_id)}?v={version_of(case)}.{words}"


def linked_version(value: str) -> LinkedVersion | None:
    """Read the ``v`` of a link; None if it is not one.

    >>> linked_version("3fa94c01b2.1045.9f3c2a1b")
    LinkedVersion(digest='3fa94c01b2', start=1045, words='9f3c2a1b')
    """
    match = _VERSION.fullmatch(value)
    if match is None:
        return None
    return LinkedVersion(match["digest"], int(match["start"]), match["words"])


def case_digest(case: Case) -> str:
    """First ten hex digits of the SHA-256 of a case's text."""
    return _digest(case.text)


@lru_cache(maxsize=_KEPT)
def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


@lru_cache(maxsize=_KEPT)
def words_hash(words: str) -> str:
    """Hash words so that a page can look for them at every place in one walk.

    R. Karp, M. Rabin, "Efficient randomized pattern-matching algorithms", IBM J. R&D 31 (1987), over
    code points, modulo 2³²; ``api/pages/case.js`` has the other half.

    >>> words_hash("退税")
    '00e32a0e'
    """
    value = 0
    for character in words:
        value = (value * _BASE + ord(character)) & _BITS
    return f"{value:08x}"
