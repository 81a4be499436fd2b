"""Text -> the same text as a quotation may write it: without its spaces, widths, marks and script.

Whoever copies a sentence loses its line breaks, types half-width commas, or writes traditional
characters. Those are the same words. Folding keeps, for every character it leaves, the place it
came from; what was folded to make two texts equal is told, because the texts are then not equal.
Upper and lower case are not folded, and neither is anything that could make a number of another.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.script import simplified

Fold = Literal["space", "width", "punctuation", "script"]
"""What may differ between equal words: white space and line breaks, full and half width, other
forms of one mark (“ and 「), traditional and simplified script."""

FOLDS: tuple[Fold, ...] = ("space", "width", "punctuation", "script")

_FORMS = (
    (0xFF01, 0xFFEF),
    (0xFE50, 0xFE70),
    (0xF900, 0xFB00),
    (0x2F800, 0x2FA20),
    (0x2F00, 0x2FE0),
)
"""Full- and half-width forms, small forms, compatibility ideographs, radicals as PDF files have
them. Not ① or ²: they are other characters, and figures."""
_WIDTH = {
    code: form
    for start, end in _FORMS
    for code in range(start, end)
    if len(form := unicodedata.normalize("NFKC", chr(code))) == 1
}
_MARKS = {
    ord(variant): mark
    for mark, variants in {
        '"': "“”„‟「」『』〝〞‘’\u201a\u201b'｢｣",
        "-": "—–―─\u2010\u2011\u2012\u2212",
        "·": "・•‧∙⋅",
        "~": "〜\u223c",
        "。": "｡",
    }.items()
    for variant in variants
}
# Beside white space: nothing that is seen. U+FFFF is no character, and free to part texts.
_INVISIBLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff\uffff") | frozenset(
    map(chr, range(0xFE00, 0xFE10))
)
_BLANK = {
    code: "\0" if chr(code) in _INVISIBLE else " "
    for code in (*range(0x3001), *map(ord, _INVISIBLE))
    if chr(code).isspace() or chr(code) in _INVISIBLE
}
_TABLE = _BLANK | _MARKS


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text.

    Attributes:
        text: What is left, one code point for one.
        origin: Where each of its characters stood, rising; as long as ``text``.
    """

    text: str
    origin: NDArray[np.int64] = field(repr=False)


def fold(text: str) -> Folded:
    r"""Fold a text.

    White space goes, except one space between two letters or digits of ASCII: ``1 2`` is not 12. A full
    stop of ASCII is the Chinese one unless a letter or digit follows.

    >>> fold("１０ 月，「退稅」 3\n5 天.").text
    '10月,"退税"3 5天。'
    """
    plain = simplified(text.translate(_WIDTH)).translate(_TABLE)
    codes = np.frombuffer(plain.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).copy()
    seen = codes != 0
    codes, origin = codes[seen], np.flatnonzero(seen)
    word = np.zeros(len(codes) + 1, dtype=bool)  # one more, so that the last has a neighbour
    for first, last in ("09", "AZ", "az"):
        word[:-1] |= (codes >= ord(first)) & (codes <= ord(last))
    blank = codes == ord(" ")
    solid = np.append(np.flatnonzero(~blank), len(codes))
    follower = word[solid[np.searchsorted(solid, np.arange(len(codes)))]]  # of the next not blank
    # word[-1] is the False that was added: nothing stands before the first.
    parts = blank & word[np.arange(len(codes)) - 1] & follower
    kept = ~blank | parts
    codes[(codes == ord(".")) & ~word[1:]] = ord("。")
    return Folded(codes[kept].tobytes().decode("utf-32-le", "surrogatepass"), origin[kept])


def folds_between(one: str, other: str) -> tuple[Fold, ...]:
    r"""Tell what was folded to make two texts equal, in the order of `FOLDS`; none if they are.

    Raises:
        ValueError: If they are not equal when folded.

    >>> folds_between("退稅，三天", "退税,\n三天")
    ('space', 'width', 'script')
    """
    left, right = fold(one), fold(other)
    if left.text != right.text:
        message = f"not the same words: {one!r} and {other!r}"
        raise ValueError(message)
    kinds = {
        _fold_of(one[i], other[j])
        for i, j in zip(left.origin.tolist(), right.origin.tolist(), strict=True)
        if one[i] != other[j]
    }
    if list(_gaps(one, left)) != list(_gaps(other, right)):
        kinds.add("space")
    return tuple(kind for kind in FOLDS if kind in kinds)


def _fold_of(one: str, other: str) -> Fold:
    if one.isspace() and other.isspace():
        return "space"
    wide, narrow = one.translate(_WIDTH), other.translate(_WIDTH)
    if wide == narrow:
        return "width"
    return "script" if simplified(wide) == simplified(narrow) else "punctuation"


def _gaps(text: str, folded: Folded) -> Iterator[str]:
    """Yield what was dropped between the characters that are left."""
    end = 0
    for place in folded.origin.tolist():
        yield text[end:place]
        end = place + 1
    yield text[end:]
