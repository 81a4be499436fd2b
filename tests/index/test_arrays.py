"""Arrays come back as they were, from memory and from mapped files."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

import index.arrays
from index.arrays import array_bytes, array_of, contents


@settings(deadline=None)
@given(
    arrays.arrays(
        dtype=arrays.scalar_dtypes().filter(lambda kind: kind.kind in "iufb"),
        shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0),
    )
)
def test_what_is_written_is_what_is_read(array: np.ndarray) -> None:
    data = array_bytes(array)
    read = array_of(memoryview(data))
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    assert read.tobytes() == array.tobytes()
    assert not read.flags.writeable


def test_an_array_in_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="column by column"):
        array_of(array_bytes(np.asfortranarray(np.eye(3)[:, :2])))


def test_what_is_no_array_is_refused() -> None:
    with pytest.raises(ValueError, match="magic"):
        array_of(b"no array at all")


@pytest.mark.parametrize("mapped_from", [0, 10**6])
def test_a_file_is_read_with_its_digest(tmp_path: Path, mapped_from: int, monkeypatch) -> None:
    monkeypatch.setattr(index.arrays, "MAPPED_FROM", mapped_from)
    (tmp_path / "file").write_bytes(b"12366" * 1000)
    data, digest = contents(tmp_path / "file")
    assert isinstance(data, memoryview) is (mapped_from == 0)
    assert bytes(data) == b"12366" * 1000
    assert digest == hashlib.sha256(data).hexdigest()


def test_a_mapped_file_outlives_its_name(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(index.arrays, "MAPPED_FROM", 0)
    (tmp_path / "file").write_bytes(array_bytes(np.arange(1000)))
    array = array_of(contents(tmp_path / "file")[0])
    (tmp_path / "file").unlink()
    assert array.tolist() == list(range(1000))
