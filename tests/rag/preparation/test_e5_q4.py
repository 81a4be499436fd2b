"""The packed file of a small e5: what is read, and where damage is told."""

import struct
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.preparation.e5_q4 import read_q4_file

PIECES = ("<s>", "中", "▁ab")


def a_file(*, magic: bytes = b"E5S1", version: int = 1, block: int = 32, shift: int = 0) -> bytes:
    """A file of one fp32 tensor of 3 weights and one packed tensor of 2 rows of 32."""
    head = struct.pack("<4sI7ifi", magic, version, 32, 1, 4, 64, 2, 8, 2, 1e-12, block)
    blob = "".join(PIECES).encode()
    head += struct.pack("<5iQ", len(PIECES), 0, 0, 0, 0, len(blob))
    head += struct.pack("<4I", 0, 3, 6, 11) + struct.pack("<3f", 0, -1, -2) + blob
    head += struct.pack("<iI", 1, 5) + b"12345"
    packed = b"".join(
        # Low nibbles are weights 0-15, high nibbles weights 16-31.
        struct.pack("<e", scale) + bytes(j | (15 - j) << 4 for j in range(16))
        for scale in (0.5, -2.0)
    )
    vector = struct.pack("<3f", 1.5, -2.5, 0.25)
    start = len(head) + 4 + 2 * (2 + 1 + 21)
    head += struct.pack("<i", 2)
    head += struct.pack("<H1sBIQQ", 1, b"v", 0, 3, start + shift, len(vector))
    head += struct.pack("<H1sBIQQ", 1, b"w", 1, 64, start + len(vector), len(packed))
    return head + vector + packed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "tiny-q4.bin"
    file.write_bytes(a_file())
    return file


def test_sizes_pieces_and_names_are_read(path: Path) -> None:
    file = read_q4_file(path)
    assert (file.sizes.hidden, file.sizes.heads, file.sizes.positions) == (32, 4, 8)
    assert file.pieces == PIECES
    assert file.names == ("v", "w")


def test_fp32_tensors_are_read_as_they_are(path: Path) -> None:
    assert read_q4_file(path).vector("v").tolist() == [1.5, -2.5, 0.25]


def test_packed_tensors_are_multiplied_out(path: Path) -> None:
    table = read_q4_file(path).table("w", 32)
    levels = [j - 8 for j in range(16)] + [7 - j for j in range(16)]
    assert table.packed.shape == (2, 16)
    assert table.scales.tolist() == [[0.5], [-2.0]]
    expected = np.outer([0.5, -2.0], levels).astype(np.float32)
    np.testing.assert_array_equal(table.dense(), expected)
    np.testing.assert_array_equal(table.take(np.array([1])).dense(), expected[1:])


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ({"magic": b"GGUF"}, "已损坏（偏移 0 字节处）：开头是 b'GGUF'，应为 b'E5S1'"),
        ({"version": 2}, "已损坏（偏移 4 字节处）：版本是 2，应为 1"),
        ({"block": 64}, "已损坏（偏移 40 字节处）：每块权重数是 64，应为 32"),
        (
            {"shift": 1000},
            "已损坏（偏移 152 字节处）：张量 v 到第 1188 字节结束，文件只有 224 字节",
        ),
    ],
)
def test_another_format_is_refused_at_its_byte(
    tmp_path: Path, damage: dict[str, object], complaint: str
) -> None:
    file = tmp_path / "damaged.bin"
    file.write_bytes(a_file(**damage))  # type: ignore[arg-type]
    with pytest.raises(ModelError) as raised:
        read_q4_file(file)
    assert str(raised.value) == f"{file} {complaint}；请重新准备模型"


def test_a_file_that_ends_anywhere_early_is_refused(path: Path) -> None:
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(
            ModelError, match=r"tiny-q4\.bin 已损坏（偏移 [0-9]+ 字节处）：.*；请重新准备模型$"
        ):
            read_q4_file(path)


def test_a_tensor_that_is_missing_or_of_another_kind_is_named(path: Path) -> None:
    file = read_q4_file(path)
    with pytest.raises(ModelError, match=r"：张量 x 不存在；请重新准备模型$"):
        file.vector("x")
    with pytest.raises(ModelError, match=r"：张量 v 的类型是 0，应为 1；请重新准备模型$"):
        file.table("v", 32)
    with pytest.raises(
        ModelError, match=r"：张量 w 有 64 个权重，不能排成每行 96 个；请重新准备模型$"
    ):
        file.table("w", 96)
