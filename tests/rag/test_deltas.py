"""Pieces of text out of a streamed reply, as differing servers write it."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.deltas import DeltaError, DeltaReader


def heard(*pieces: bytes) -> tuple[str, str | None, bool]:
    reader = DeltaReader()
    text = "".join(reader.read(piece) for piece in (*pieces, b""))
    return text, reader.reason, reader.done


def line(**choice: object) -> bytes:
    return b"data: " + json.dumps({"choices": [choice]}, ensure_ascii=False).encode() + b"\n\n"


SAID = line(delta={"content": "三天"}) + line(delta={"content": "到账"}, finish_reason="stop")


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (SAID + b"data: [DONE]\n\n", ("三天到账", "stop", True)),
        (SAID, ("三天到账", "stop", False)),
        (SAID.replace(b"data: ", b"data:"), ("三天到账", "stop", False)),
        (SAID.replace(b"\n", b"\r\n"), ("三天到账", "stop", False)),
        (SAID.replace(b"\n\n", b"\n"), ("三天到账", "stop", False)),
        (b": keep-alive\n\nevent: message\nid: 1\nretry: 9\n" + SAID, ("三天到账", "stop", False)),
        (SAID[:-2], ("三天到账", "stop", False)),  # no line end behind the last event
        (line(delta={"role": "assistant"}) + SAID, ("三天到账", "stop", False)),
        (
            line(delta={"content": None, "reasoning_content": "想"}) + SAID,
            ("三天到账", "stop", False),
        ),
        (line(delta=None) + SAID, ("三天到账", "stop", False)),
        (
            SAID + b'data: {"choices": [], "usage": {"total_tokens": 9}}\n\n',
            ("三天到账", "stop", False),
        ),
        (line(delta={"content": "三"}, finish_reason="length"), ("三", "length", False)),
        (line(delta={"content": "三"}, finish_reason=None), ("三", None, False)),
        (SAID + b"data: [DONE]\n\ndata: {]\n\n", ("三天到账", "stop", True)),
        (b"\xef\xbb\xbf" + SAID, ("三天到账", "stop", False)),
        (b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n', ("�", None, False)),
        (b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n', ("�", None, False)),
        (
            (
                b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n'
                b'data: {"choices": [{"delta": {"content": "\\ude00"}}]}\n'
            ),
            ("😀", None, False),
        ),
        (b'{"choices": [{"message": {"content": "ok"}}]}', ("ok", None, True)),
        (b'{\n "choices": [\n{"message": {"content": "ok"}}]}\n', ("ok", None, True)),
        (b"", ("", None, False)),
        (b"<html>502</html>", ("", None, False)),
    ],
)
def test_servers_may_differ(stream: bytes, expected: tuple[str, str | None, bool]) -> None:
    assert heard(stream) == expected


@given(st.lists(st.integers(0, len(SAID)), max_size=8))
def test_a_piece_may_end_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(SAID)]
    pieces = [SAID[a:b] for a, b in itertools.pairwise(places) if a < b]
    assert heard(*pieces) == ("三天到账", "stop", False)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (
            b'data: {"error": {"message": "busy"}}\n',
            '返回的是错误：\'{"error": {"message": "busy"}}\'',
        ),
        (b'{"error": "busy"}', '返回的是错误：\'{"error": "busy"}\''),
        (b"data: 7\n", "返回的是错误：'7'"),
        (b"data: {]\n", "返回的内容里读不出回答：'{]'"),
        (b'data: {"choices": [3]}\n', "返回的内容里读不出回答：'{\"choices\": [3]}'"),
        (b"data: " + b"[" * 100_000 + b"\n", f"返回的内容里读不出回答：{'[' * 200!r}"),
    ],
)
def test_what_is_no_answer_is_said(stream: bytes, message: str) -> None:
    with pytest.raises(DeltaError) as caught:
        heard(stream)
    assert str(caught.value) == message


@pytest.mark.parametrize("piece", [b"x" * 65_536, b"{" + b" " * 65_535 + b"\n", b":\n" * 32_768])
def test_a_reply_without_end_is_not_kept(piece: bytes) -> None:
    with pytest.raises(DeltaError, match=r"^返回的内容太长：\d+ 字节$"):
        heard(*[piece] * 200)
