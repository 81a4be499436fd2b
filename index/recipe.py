"""What an index is made by: when the code that decides its content changes, it is built anew.

A changed heading rule or a changed k1 gives another index from the same files. Nobody remembers to
bump a number for that, so the code itself is the number: building compares its digest, and since
vectors are kept by content, building anew costs seconds.

Opening asks for less: an index made by older code answers well as long as questions are cut into
terms the way its passages were.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from rag.tokens import terms_of

_MODULES = {
    "rag": (
        *("source.py", "lines.py", "outline.py", "divisions.py", "divisions.tsv", "districts.py"),
        *("entries.py", "cases.py", "sentences.py", "chunk.py", "tokens.py", "confidence.py"),
        "types.py",
    ),
    "index": ("build.py", "dense.py", "lexical.py", "records.py"),
}
_PROBE = "一网通办 ＩＰＯ上市，退税１.５亿、100%；2022年第12条ａＢ𠮷〇"  # noqa: RUF001 -- on purpose


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
