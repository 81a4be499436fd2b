"""JSON in and out of suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from api.fields import MAX_QUESTION, Offsets, offsets_of
from rag.suggestions import Suggestion

MAX_SUGGESTIONS = 20


class SuggestRequest(BaseModel):
    """What was typed so far."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        default="",
        max_length=MAX_QUESTION,
        description="已经输入的文字；为空时给出几个例子",
        examples=["退税"],
    )
    limit: int = Field(default=8, ge=1, le=MAX_SUGGESTIONS, description="最多几条")


class SuggestionOut(BaseModel):
    """A text that is offered."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "一条建议"})

    text: str = Field(description="建议的问题，或案例标题", examples=["退税要几天"])
    kind: Literal["question", "case"] = Field(description="question 问题；case 案例标题")
    case_id: str | None = Field(description="标题所属案例的编号；问题为 null")
    highlights: list[Offsets] = Field(description="输入的文字在 text 中的位置，按序，不重叠")


class SuggestResponse(BaseModel):
    """What may be asked."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "建议"})

    query: str = Field(description="输入的文字，原样")
    suggestions: list[SuggestionOut] = Field(
        description="以输入开头的在前，其次是含有它的；短的在前"
    )

    @classmethod
    def from_suggestions(cls, query: str, suggestions: Iterable[Suggestion]) -> Self:
        """Serialise suggestions."""
        return cls(
            query=query,
            suggestions=[
                SuggestionOut(
                    text=one.text,
                    kind=one.kind,
                    case_id=one.case_id,
                    highlights=[offsets_of(span) for span in one.highlights],
                )
                for one in suggestions
            ],
        )
