"""Vectors kept between builds, by content: only sentences that are new are encoded.

A SQLite file beside the versions. Each batch is committed as it is encoded, so a build that is
interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from rag.encoder import Encoder, EncoderIdentity
from rag.errors import CasebookError, IndexDamagedError

_BATCH = 256
"""Texts encoded between two commits: a few seconds of work, at most that much is lost."""
_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"


class VectorCache:
    """Sentence vectors by encoder and text; a context manager.

    Args:
        file: The SQLite file; made if missing.

    Raises:
        IndexDamagedError: If the file is damaged, now or while it is used.
        CasebookError: If it is in use elsewhere, or the disk is full.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with self._errors_in_words():
            self._database = sqlite3.connect(file)
        try:
            with self._errors_in_words():
                self._database.execute(_SCHEMA)
        except CasebookError:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        """Use the open cache."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; what was encoded is already committed."""
        self._database.close()

    def encode(
        self,
        encoder: Encoder,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] = lambda _done: None,
    ) -> NDArray[np.float32]:
        """Encode texts, taking known vectors from the cache.

        Args:
            encoder: Encodes what is missing.
            texts: May repeat; each distinct text is encoded once.
            on_progress: Called with the number of distinct texts done so far.

        Returns:
            Shape (n texts, dimension), float32, rows of unit length.
        """
        identity = encoder.identity
        salt = hashlib.sha256(json.dumps(asdict(identity), sort_keys=True).encode()).digest()
        keys = {text: hashlib.sha256(salt + text.encode()).digest() for text in texts}
        known = {key: vector for key in keys.values() if (vector := self._get(key, identity))}
        missing = [text for text, key in keys.items() if key not in known]
        for start in range(0, len(missing), _BATCH):
            done = len(keys) - len(missing) + start
            batch = missing[start : start + _BATCH]
            vectors = encoder.encode_passages(batch, on_progress=_after(done, on_progress))
            rows = [(keys[t], v.tobytes()) for t, v in zip(batch, vectors, strict=True)]
            with self._errors_in_words(), self._database:
                self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            known.update(rows)
        joined = b"".join(known[keys[text]] for text in texts)
        return np.frombuffer(joined, dtype=np.float32).reshape(len(texts), identity.dimension)

    def _get(self, key: bytes, identity: EncoderIdentity) -> bytes | None:
        with self._errors_in_words():
            row = self._database.execute(
                "SELECT vector FROM vectors WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        vector = bytes(row[0])
        if len(vector) != 4 * identity.dimension:
            found = f"一个向量有 {len(vector)} 字节，应为 {4 * identity.dimension}"
            raise self._damaged(found)
        return vector

    @contextmanager
    def _errors_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            message = (
                f"向量缓存 {self._file} 现在不能用（{error}）："
                "可能另一个 build 正在进行，或磁盘已满；请稍后重试"
            )
            raise CasebookError(message) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, found: str) -> IndexDamagedError:
        return IndexDamagedError(
            f"向量缓存 {self._file} 已损坏（{found}）；请删除该文件后重新建立索引"
        )


def _after(done: int, on_progress: Callable[[int], None]) -> Callable[[int], None]:
    """Report a batch's progress on top of what was done before it."""
    return lambda more: on_progress(done + more)
