"""What an index is made by: choices, and code.

When the code that decides an index's content changes, the index is built anew.

A changed heading rule or a changed k1 gives another index from the same files. Nobody remembers to
bump a number for that, so the code itself is the number: building compares its digest, and since
vectors are kept by content, building anew costs seconds.

Opening asks for less: an index made by older code answers well as long as questions are cut into
terms the way its passages were.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from index.dense import EXACT_UP_TO
from index.postings import DEFAULT_BM25, Bm25
from rag.chunk import DEFAULT_CUT, Cut
from rag.tokens import terms_of

Keys = Literal["sentence", "passage"]
"""What is encoded: every sentence, or every passage as a whole."""

_MODULES = {
    "rag": (
        *("source.py", "lines.py", "outline.py", "divisions.py", "divisions.tsv", "districts.py"),
        *("entries.py", "cases.py", "sentences.py", "chunk.py", "tokens.py", "noise.py"),
        *("expansions.py", "script.py", "script.tsv"),
        *("passages.py", "types.py", "unmarked.py"),
    ),
    "index": (
        "assemble.py",
        "dense.py",
        "late.py",
        *("integers.py", "integers.onnx"),
        "arrays.py",
        "lexical.py",
        "postings.py",
        "records.py",
    ),
}
_PROBE = "一网通办 ＩＰＯ上市，退税１.５亿、100%；2022年第12条ａＢ𠮷〇閔"  # noqa: RUF001 -- on purpose


@dataclass(frozen=True, slots=True)
class Recipe:
    """The choices that decide what an index holds, given sources and encoder.

    Attributes:
        cut: How passages are cut.
        keys: What is encoded; one vector a passage is the usual way and what evals compare with.
        bm25: Parameters of the ranking by terms.
        expansions: Whether questions that passages are known to answer, where the sources bring
            any, become keys as well.
        late: Whether passages keep their token vectors, where the encoder gives any: a remote one
            does not.
        exact_up_to: Vectors that are all compared with a question; more are sorted into cells, of
            which the nearest are searched.
    """

    cut: Cut = DEFAULT_CUT
    keys: Keys = "sentence"
    bm25: Bm25 = DEFAULT_BM25
    expansions: bool = True
    late: bool = True
    exact_up_to: int = EXACT_UP_TO


DEFAULT_RECIPE = Recipe()


@cache
def code_digest() -> str:
    """Digest of the modules that decide what an index holds."""
    digest = hashlib.sha256()
    for package, names in _MODULES.items():
        for name in names:
            digest.update(files(package).joinpath(name).read_bytes())
    return digest.hexdigest()


@cache
def terms_digest() -> str:
    """Digest of how a text is cut into terms, tried on one with everything that occurs."""
    return hashlib.sha256("\n".join(terms_of(_PROBE)).encode()).hexdigest()
