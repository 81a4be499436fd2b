"""Traditional script -> simplified, one character for one.

The table is OpenCC's; see the head of ``script.tsv``. Character by character loses nothing here: of
the development questions, turned into traditional script in the way of the mainland, Hong Kong and
Taiwan, phrase-by-phrase conversion reads one differently, and ranks all of them alike. It keeps
every place, needs no library while serving, and is the same for questions and passages.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files


def simplified(text: str) -> str:
    """Write a text in simplified script; as long as the text, and the same where it is already.

    A few characters are both, such as 乾 in 乾坤: they are folded as well (干坤), on both sides of
    a search.

    >>> simplified("閔行區的稅務局")
    '闵行区的税务局'
    """
    return text.translate(_SIMPLIFIED)


def _pairs() -> Iterator[tuple[int, str]]:
    for line in files("rag").joinpath("script.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            one, _, others = line.partition("\t")
            yield from ((ord(other), one) for other in others)


_SIMPLIFIED = dict(_pairs())
