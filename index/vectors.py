"""Vectors kept between builds, by content: only sentences that are new are encoded.

A SQLite file beside the versions. Each batch is committed as it is encoded, so a build that is
interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from index.late import PROJECTION, Projection, learn_projection
from rag.encoder import Encoder, EncoderIdentity, TokenEncoder
from rag.errors import CasebookError, IndexDamagedError

_BATCH = 256
"""Texts encoded between two commits: a few seconds of work, at most that much is lost."""
_TOKEN_BATCH = 32
"""Texts whose tokens are held before they are compressed: 32 of 300 tokens are 20 MB."""
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
        size = 4 * encoder.identity.dimension

        def encoded(batch: Sequence[str], done: int) -> Iterable[bytes]:
            vectors = encoder.encode_passages(batch, on_progress=_after(done, on_progress))
            return (vector.tobytes() for vector in vectors)

        known = self._through(_salt(encoder.identity), texts, encoded, size)
        joined = b"".join(known[text] for text in texts)
        shape = len(texts), encoder.identity.dimension
        return np.frombuffer(joined, dtype=np.float32).reshape(shape)

    def projection(self, encoder: TokenEncoder) -> Projection:
        """Learn an encoder's projection of tokens, once."""
        dimension = encoder.identity.dimension

        def learnt(_batch: Sequence[str], _done: int) -> Iterable[bytes]:
            return [learn_projection(encoder).to_bytes()]

        (data,) = self._through(
            _salt(encoder.identity, PROJECTION), [""], learnt, 4 * (dimension + 1)
        ).values()
        return Projection.from_bytes(data, dimension)

    def encode_tokens(
        self,
        encoder: TokenEncoder,
        projection: Projection,
        texts: Sequence[str],
        *,
        on_progress: Callable[[int], None] = lambda _done: None,
    ) -> list[NDArray[np.int8]]:
        """Encode and compress the tokens of texts, taking what is known from the cache.

        Args:
            encoder: Encodes what is missing.
            projection: Compresses them.
            texts: May repeat; each distinct text is encoded once.
            on_progress: Called with the number of distinct texts done so far.

        Returns:
            For each text, shape (n tokens, kept dimensions).
        """
        kept = len(projection.axes)

        def encoded(batch: Sequence[str], done: int) -> Iterable[bytes]:
            for start in range(0, len(batch), _TOKEN_BATCH):
                some = batch[start : start + _TOKEN_BATCH]
                for tokens in encoder.encode_passage_tokens(some):
                    yield projection.compressed(tokens).tobytes()
                on_progress(done + start + len(some))

        salt = _salt(encoder.identity, hashlib.sha256(projection.to_bytes()).hexdigest())
        known = self._through(salt, texts, encoded, kept)
        return [np.frombuffer(known[text], dtype=np.int8).reshape(-1, kept) for text in texts]

    def _through(
        self,
        salt: bytes,
        texts: Sequence[str],
        make: Callable[[Sequence[str], int], Iterable[bytes]],
        unit: int,
    ) -> dict[str, bytes]:
        """Give every distinct text its bytes, made only where they are not known yet.

        Args:
            salt: Tells apart what is kept under the same text.
            texts: May repeat.
            make: Given texts, and how many are done before them, makes the bytes of each.
            unit: Their length, or what it is a multiple of.

        Raises:
            IndexDamagedError: If what is kept has another length.
        """
        keys = {text: hashlib.sha256(salt + text.encode()).digest() for text in texts}
        known = {text: kept for text, key in keys.items() if (kept := self._get(key, unit))}
        missing = [text for text in keys if text not in known]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            made = list(make(batch, len(keys) - len(missing) + start))
            rows = [(keys[text], data) for text, data in zip(batch, made, strict=True)]
            with self._errors_in_words(), self._database:
                self._database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            known.update(zip(batch, made, strict=True))
        return known

    def _get(self, key: bytes, unit: int) -> bytes | None:
        with self._errors_in_words():
            row = self._database.execute(
                "SELECT vector FROM vectors WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        kept = bytes(row[0])
        if len(kept) % unit:
            found = f"一个向量有 {len(kept)} 字节，应为 {unit}"
            raise self._damaged(found)
        return kept

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


def _salt(identity: EncoderIdentity, kind: str = "") -> bytes:
    """What keeps one encoder's vectors from another's, and kinds of vectors apart."""
    named = json.dumps(asdict(identity), sort_keys=True)
    return hashlib.sha256((named + kind).encode()).digest()


def _after(done: int, on_progress: Callable[[int], None]) -> Callable[[int], None]:
    """Report a batch's progress on top of what was done before it."""
    return lambda more: on_progress(done + more)
