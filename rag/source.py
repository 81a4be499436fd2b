"""Files on disk -> `Source`: bytes decoded once, or a clear reason why they cannot be.

Chinese offices send UTF-8 with and without a byte order mark, GB18030 from older desktops, UTF-16
from "Unicode text" exports, and now and then a Word file renamed to .txt. Everything downstream
counts code points of the text that leaves this module.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.errors import SourceError
from rag.types import Source

SUFFIXES = frozenset({".txt", ".md", ".markdown", ".text"})
"""What a folder is searched for; a file named on its own is read whatever its suffix."""

_MAX_BYTES = 64 * 2**20
"""A case collection has a few hundred kilobytes; 64 MiB stops a disk image, not a collection."""

_SIGNATURES = (
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "Word/Excel/ZIP"),
    (b"\xd0\xcf\x11\xe0", "Word/Excel 97-2003"),
    (b"{\\rtf", "RTF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
)
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8", "utf-8"),
    (b"\xff\xfe", "utf-16", "utf-16-le"),
    (b"\xfe\xff", "utf-16", "utf-16-be"),
)
"""Each with the encoding's name and the codec that reads what follows the mark."""
# Control characters that no text file holds: NUL to BEL, SO to US (without ESC: terminal logs).
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# GB2312's level-1 block: the 3,755 Han characters in daily use. Real Chinese text decoded rightly
# is mostly made of them; text in another encoding read as GB18030 scatters over all 27,000.
_DAILY_HAN = frozenset(
    bytes([high, low]).decode("gb2312", "ignore")  # the block's last row is not full
    for high in range(0xB0, 0xD8)
    for low in range(0xA1, 0xFF)
)
_MIN_DAILY_SHARE = 0.7
"""Of the Han characters. The bundled corpus has .998; read as GB18030, its UTF-8 bytes have .12 and
its Big5 bytes .40."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a set of paths held: the files that could be read and, for the others, why not.

    Attributes:
        sources: In the order of the paths.
        files: Where each of them was read from.
        failures: One for each file that could not be read.
    """

    sources: tuple[Source, ...]
    files: tuple[Path, ...]
    failures: tuple[SourceError, ...]


def decode(name: str, data: bytes) -> Source:
    """Decode one file.

    Tried in order: a byte order mark, UTF-8, GB18030. GB18030 accepts almost any bytes, so its
    result must also look like everyday Chinese.

    Args:
        name: The file as citations will show it.
        data: Its bytes.

    Returns:
        The source; its text has no byte order mark and keeps its line ends.

    Raises:
        SourceError: If the file is empty, too large, binary, in an unknown encoding, or holds no
            letter, digit or Han character.
    """
    if not data:
        raise SourceError(name, "文件是空的；请检查是否导出成功，或从列表中去掉它")
    if len(data) > _MAX_BYTES:
        why = f"文件超过 {_MAX_BYTES:,} 字节的上限；请拆分后再建索引"
        raise SourceError(name, why)
    for magic, kind in _SIGNATURES:
        if data.startswith(magic):
            raise SourceError(name, f"这是 {kind} 文件，不是文本；请另存为 UTF-8 文本（.txt）")
    text, encoding = _text_of(name, data)
    if control := _CONTROL.search(text):
        where = _place(text, control.start())
        why = f"含有控制字符 U+{ord(control.group()):04X}，像是二进制文件；请另存为 UTF-8 文本"
        raise SourceError(name, why, where=where)
    if not any(character.isalnum() for character in text):
        raise SourceError(name, "文件里没有文字（只有空白或标点）；请检查内容，或去掉它")
    return Source(name, hashlib.sha256(data).hexdigest(), encoding, text)


def read(paths: Iterable[Path]) -> Reading:
    """Read files and folders.

    A folder is searched to any depth for ``.txt`` and ``.md``, hidden entries left out. A file's
    name starts with its folder, the one given or its own (``案例2023/静安.txt``), however it was
    reached. A bad file never hides the others.

    Args:
        paths: Files and folders; the order given is kept, a folder's files are sorted by name. A
            file that is reached twice is read once.

    Returns:
        The sources in that order and one error for each file that could not be read.
    """
    sources: list[Source] = []
    files: list[Path] = []
    failures: list[SourceError] = []
    named: dict[str, Path] = {}
    seen: set[Path] = set()
    for file, name in _files(paths, failures):
        if file in seen:
            continue
        seen.add(file)
        if not name.isprintable():  # a lone surrogate stands for a byte that is not UTF-8
            shown = name.encode("utf-8", "backslashreplace").decode()
            failures.append(SourceError(shown, "文件名含有乱码或控制字符，无法引用；请改名"))
            continue
        if (other := named.setdefault(name, file)) != file:
            why = f"与 {other} 同名，引用时无法区分；请给其中一个文件或它的文件夹改名"
            failures.append(SourceError(str(file), why))
            continue
        try:
            with file.open("rb") as stream:
                sources.append(decode(name, stream.read(_MAX_BYTES + 1)))
            files.append(file)
        except SourceError as error:
            failures.append(error)
        except OSError as error:
            failures.append(SourceError(name, f"无法读取：{error.strerror}；请检查文件权限"))
    return Reading(tuple(sources), tuple(files), tuple(failures))


def _files(paths: Iterable[Path], failures: list[SourceError]) -> Iterator[tuple[Path, str]]:
    """Yield each file with its citation name; report paths that lead to no file."""
    for path in paths:
        if path.is_dir():
            root = path.resolve()
            found = sorted(
                file
                for file in root.rglob("*")
                if file.is_file()
                and file.suffix.lower() in SUFFIXES
                and not any(part.startswith(".") for part in file.relative_to(root).parts)
            )
            if not found:
                failures.append(SourceError(str(path), "文件夹里没有 .txt 或 .md 文件"))
            for file in found:
                yield file, file.relative_to(root.parent).as_posix()
        elif path.is_file():
            file = path.resolve()
            yield file, file.relative_to(file.parent.parent).as_posix()
        else:
            failures.append(SourceError(str(path), "没有这个文件或文件夹；请检查路径"))


def _text_of(name: str, data: bytes) -> tuple[str, str]:
    """Decode, and tell the encoding's name."""
    for mark, encoding, codec in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(codec), encoding
            except UnicodeDecodeError as error:
                where = _byte_place(data, len(mark) + error.start)
                why = f"开头标明是 {encoding}，但这里不是；请用 UTF-8 重新保存"
                raise SourceError(name, why, where=where) from None
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        position = error.start
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    han = [character for character in text if "一" <= character <= "鿿"]
    if han and sum(character in _DAILY_HAN for character in han) / len(han) >= _MIN_DAILY_SHARE:
        return text, "gb18030"
    why = "既不是 UTF-8，也不像 GB18030 中文；请用 UTF-8 重新保存"
    raise SourceError(name, why, where=_byte_place(data, position))


def _byte_place(data: bytes, position: int) -> str:
    return f"第 {position + 1} 字节（第 {data.count(bytes([10]), 0, position) + 1} 行）"


def _place(text: str, position: int) -> str:
    return f"第 {text.count(chr(10), 0, position) + 1} 行"
