"""JSON in of feedback."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.feedback_store import Answered, Feedback, Reason, Verdict
from api.fields import REFUSED, Question, text_of

MAX_COMMENT = 500
MAX_PASSAGES = 50
"""As many as a search returns."""


def _comment(value: str) -> str | None:
    """Take a field that was left empty for none."""
    if len(value) > MAX_COMMENT:
        raise PydanticCustomError(
            REFUSED, "最多 {most} 个字，现有 {count} 个", {"most": MAX_COMMENT, "count": len(value)}
        )
    return text_of(value).strip() if value.strip() else None


# As this service writes them: no room for anything else that somebody might put there.
PassageId = Annotated[str, Field(max_length=64, pattern=r"^c[0-9a-f]{10}(-[0-9]+)?:[0-9]+-[0-9]+$")]
VersionName = Annotated[str, Field(max_length=64, pattern=r"^v[0-9]+(-[0-9a-f]+)?$")]


class FeedbackRequest(BaseModel):
    """What somebody says of an answer."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"description": "对一次回答的意见"}
    )

    query: Question = Field(
        description="问题，1 至 500 个字",
        json_schema_extra={"minLength": 1, "maxLength": 500},
        examples=["静安退税几天到账"],
    )
    verdict: Verdict = Field(description="useful 有用；not_useful 没有用")
    reasons: list[Reason] = Field(
        default=[],
        max_length=6,
        description=(
            "原因：wrong_place 出处不对，wrong_district 不是要找的区，outdated 已过时，"
            "incomplete 不完整，off_topic 答非所问，other 其他"
        ),
    )
    index_version: VersionName = Field(
        description="回答里的 index_version", examples=["v000003-1f0a9c2d7b"]
    )
    passage_ids: list[PassageId] = Field(
        default=[],
        max_length=MAX_PASSAGES,
        description="当时列出的段落，即 passage_id",
        examples=[["cfa95eaca4f:30253-30584"]],
    )
    mode: Answered = Field(
        description="意见是对什么的：search 检索结果，extractive 原文语句，llm 语言模型的行文"
    )
    comment: Annotated[str, AfterValidator(_comment)] | None = Field(
        default=None,
        description=f"补充说明，至多 {MAX_COMMENT} 个字",
        json_schema_extra={"maxLength": MAX_COMMENT},
    )

    def to_feedback(self) -> Feedback:
        """Hand it to the store; a reason given twice is given once."""
        return Feedback(
            query=self.query,
            verdict=self.verdict,
            reasons=tuple(dict.fromkeys(self.reasons)),
            index_version=self.index_version,
            passage_ids=tuple(self.passage_ids),
            mode=self.mode,
            comment=self.comment,
        )
