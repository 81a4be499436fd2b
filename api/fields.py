"""The kinds of field that requests and responses are made of."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from rag.types import Span

MAX_QUESTION = 500
"""Code points. The longest development question has 61."""
MAX_FILTER_VALUES = 50

REFUSED: Final = "casebook_text"
"""Type of the errors whose message is ours, and Chinese, already."""

Offsets = Annotated[
    tuple[int, int], Field(description="[起, 止)，按 Unicode 码位计，含起不含止", examples=[[0, 4]])
]


def text_of(value: str) -> str:
    """Refuse what is no text: a blank, or half a character."""
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise PydanticCustomError(REFUSED, "含有不成对的代理码位（如 \\ud800），不是合法的文字")
    if not value.strip():
        raise PydanticCustomError(REFUSED, "是空的，请填写内容")
    return value


def _text(value: str) -> str:
    """Strip a text and refuse what is no text.

    ``str.strip`` rather than pydantic's, which leaves some separators that Python calls blank.
    """
    return text_of(value).strip()


def _question(value: str) -> str:
    if len(value) > MAX_QUESTION:
        raise PydanticCustomError(
            REFUSED,
            "最多 {most} 个字，现有 {count} 个",
            {"most": MAX_QUESTION, "count": len(value)},
        )
    return value


Question = Annotated[str, AfterValidator(_text), AfterValidator(_question)]
FilterText = Annotated[str, Field(max_length=200), AfterValidator(_text)]
FilterYear = Annotated[int, Field(ge=1, le=9999)]


def offsets_of(span: Span) -> tuple[int, int]:
    """Write a span as JSON does."""
    return span.start, span.end
