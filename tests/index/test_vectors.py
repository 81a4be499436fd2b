"""Only what is new is encoded, and an interrupted build goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np
import pytest

import index.vectors
from index.vectors import VectorCache
from rag.errors import CasebookError, IndexDamagedError


def test_each_distinct_text_is_encoded_once_and_rows_keep_their_order(tmp_path, encoder) -> None:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        vectors = cache.encode(encoder, ["退税", "帮办", "退税"])

    assert encoder.encoded == ["退税", "帮办"]
    assert vectors.dtype == np.float32
    expected = [encoder.encode_query(text).tolist() for text in ("退税", "帮办", "退税")]
    assert vectors.tolist() == expected


def test_a_second_build_encodes_only_new_texts(tmp_path, encoder) -> None:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        cache.encode(encoder, ["退税", "帮办"])
    encoder.encoded.clear()

    with VectorCache(tmp_path / "v.sqlite") as cache:
        vectors = cache.encode(encoder, ["帮办", "企业"])

    assert encoder.encoded == ["企业"]
    assert vectors[0].tolist() == encoder.encode_query("帮办").tolist()


def test_another_encoder_shares_no_vectors(tmp_path, encoder, make_encoder) -> None:
    other = make_encoder("退税帮办企事")
    with VectorCache(tmp_path / "v.sqlite") as cache:
        cache.encode(encoder, ["退税"])
        cache.encode(other, ["退税"])
    assert other.encoded == ["退税"]


def test_what_was_encoded_before_an_interruption_is_kept(
    tmp_path, encoder, make_encoder, monkeypatch
) -> None:
    monkeypatch.setattr(index.vectors, "_BATCH", 2)

    class Interrupted(make_encoder):  # type: ignore[misc, valid-type]
        def encode_passages(self, texts: Sequence[str], **more: object) -> np.ndarray:
            if "中断" in texts:
                raise KeyboardInterrupt
            return np.asarray(super().encode_passages(texts, **more))

    texts = ["退税", "帮办", "中断", "企业"]
    with VectorCache(tmp_path / "v.sqlite") as cache, pytest.raises(KeyboardInterrupt):
        cache.encode(Interrupted(), texts)

    with VectorCache(tmp_path / "v.sqlite") as cache:
        cache.encode(encoder, texts)

    assert encoder.encoded == ["中断", "企业"]


def test_progress_counts_known_texts_as_done(tmp_path, encoder, monkeypatch) -> None:
    monkeypatch.setattr(index.vectors, "_BATCH", 1)
    done: list[int] = []
    with VectorCache(tmp_path / "v.sqlite") as cache:
        cache.encode(encoder, ["退税"])
        cache.encode(encoder, ["退税", "帮办", "企业"], on_progress=done.append)
    assert done == [2, 3]


def test_no_texts_give_no_rows(tmp_path, encoder) -> None:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        assert cache.encode(encoder, []).shape == (0, encoder.identity.dimension)


def test_a_damaged_file_is_named_with_the_remedy(tmp_path) -> None:
    file = tmp_path / "v.sqlite"
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(
        IndexDamagedError, match=r"v\.sqlite 已损坏（file is not a database）；请删除该文件后"
    ):
        VectorCache(file)


def test_a_vector_of_the_wrong_length_is_refused(tmp_path, encoder) -> None:
    file = tmp_path / "v.sqlite"
    with VectorCache(file) as cache:
        cache.encode(encoder, ["退税"])
    database = sqlite3.connect(file)
    with database:
        database.execute("UPDATE vectors SET vector = x'00'")
    database.close()

    with VectorCache(file) as cache, pytest.raises(IndexDamagedError, match="1 字节，应为 28"):
        cache.encode(encoder, ["退税"])


def test_a_cache_in_use_elsewhere_is_not_called_damaged(tmp_path, monkeypatch) -> None:
    file = tmp_path / "v.sqlite"
    with VectorCache(file):
        pass
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path: connect(path, timeout=0.01))
    other = connect(file)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(CasebookError, match="现在不能用（database is locked）") as caught:
            VectorCache(file)
    finally:
        other.close()
    assert not isinstance(caught.value, IndexDamagedError)


def test_a_folder_that_cannot_be_written_is_named(tmp_path) -> None:
    with pytest.raises(CasebookError, match="现在不能用（unable to open database file）"):
        VectorCache(tmp_path / "missing" / "v.sqlite")


def test_tokens_are_encoded_once_and_kept_apart_from_vectors(tmp_path, token_encoder) -> None:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        projection = cache.projection(token_encoder)
        token_encoder.encoded.clear()
        done: list[int] = []
        first = cache.encode_tokens(
            token_encoder, projection, ["退税", "帮", "退税"], on_progress=done.append
        )
        cache.encode(token_encoder, ["退税"])
    assert token_encoder.encoded == ["退税", "帮", "退税"]
    assert done == [2]
    words = ("退税", "帮", "退税")
    expected = [projection.compressed(token_encoder.encode_query_tokens(t)[1]) for t in words]
    assert [tokens.tolist() for tokens in first] == [tokens.tolist() for tokens in expected]

    token_encoder.encoded.clear()
    with VectorCache(tmp_path / "v.sqlite") as cache:
        assert cache.projection(token_encoder).axes.tolist() == projection.axes.tolist()
        again = cache.encode_tokens(token_encoder, projection, ["帮", "企业"])
    assert token_encoder.encoded == ["企业"]
    assert again[0].tolist() == first[1].tolist()


def test_a_text_without_tokens_is_no_damage(tmp_path, token_encoder) -> None:
    with VectorCache(tmp_path / "v.sqlite") as cache:
        projection = cache.projection(token_encoder)
        for _ in range(2):
            (tokens,) = cache.encode_tokens(token_encoder, projection, [""])
            assert tokens.shape == (0, len(projection.axes))


def test_tokens_of_another_length_are_damage(tmp_path, token_encoder) -> None:
    file = tmp_path / "v.sqlite"
    with VectorCache(file) as cache:
        projection = cache.projection(token_encoder)
        cache.encode_tokens(token_encoder, projection, ["退税"])
    with sqlite3.connect(file) as database:
        database.execute("UPDATE vectors SET vector = CAST(vector || x'00' AS BLOB)")
    with VectorCache(file) as cache:
        with pytest.raises(IndexDamagedError, match="一个向量有 15 字节，应为 7）；请删除该文件"):
            cache.encode_tokens(token_encoder, projection, ["退税"])
        with pytest.raises(IndexDamagedError, match="一个向量有 225 字节，应为 32"):
            cache.projection(token_encoder)
