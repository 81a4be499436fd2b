"""JSON in and out of verification: a text and a citation, and what became of each quotation."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from api.citation_schemas import CitationOut
from api.fields import REFUSED, FilterText, Offsets, text_of
from rag.types import Span
from rag.verification import CitedPlace, Scope, Verification

MAX_TEXT = 5000
"""Code points: some pages. Written as escapes they still fit into a request's 64 KiB."""

Verdict = Literal["exact", "fuzzy", "absent"]


def _bounded(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise PydanticCustomError(
            REFUSED, "最多 {most} 个字，现有 {count} 个", {"most": MAX_TEXT, "count": len(value)}
        )
    return value


# Not stripped: offsets of the answer count in the text as it was sent.
QuotedText = Annotated[str, AfterValidator(text_of), AfterValidator(_bounded)]


class CitationIn(BaseModel):
    """Where the text says that its quotations come from."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"description": "文中注明的出处；start 与 end 同时给出或都不给"},
    )

    case_id: FilterText = Field(description="案例编号", examples=["cfa95eaca4f"])
    start: int | None = Field(
        default=None, ge=0, description="所引段落在原文件中的起，含；不写则为整个案例"
    )
    end: int | None = Field(default=None, ge=0, description="止，不含")
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-fA-F]{64}$",
        description="引用时原文件的 SHA-256；写了就核对原文件是否还是那一份",
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.start is None) != (self.end is None):
            raise PydanticCustomError(REFUSED, "start 与 end 须同时给出")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise PydanticCustomError(REFUSED, "start 须小于 end")
        return self

    def to_place(self) -> CitedPlace:
        """Hand the citation to the verifier."""
        both = self.start is not None and self.end is not None
        span = Span(self.start or 0, self.end or 0) if both else None
        return CitedPlace(self.case_id, span, self.sha256)


class VerifyRequest(BaseModel):
    """A text to verify."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"description": "核对请求"}
    )

    text: QuotedText = Field(
        description=f"要核对的文字，1 至 {MAX_TEXT} 个字",
        json_schema_extra={"minLength": 1, "maxLength": MAX_TEXT},
        examples=["静安区“退税申请一键批，‘真金白银’五日达”。"],
    )
    citation: CitationIn | None = Field(
        default=None, description="只在这个案例或段落里核对；不写则在全部案例里找"
    )
    scope: Scope = Field(
        default="auto",
        description=(
            "核对什么：quotes 只核对引号里的文字；sentences 逐句核对全文；"
            "auto 在没有引号、或每一句连同引号都见于原文时逐句核对，否则只核对引号里的文字"
        ),
    )


class DifferenceOut(BaseModel):
    """A run in which quotation and source differ."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "description": "引文与原文不同的一处，均为折叠全角、空白、繁体之后的写法"
        },
    )

    quoted: str = Field(description="引文的写法；引文缺少则为空", examples=["五"])
    found: str = Field(description="原文的写法；原文没有则为空", examples=["三"])


class QuotedPlaceOut(BaseModel):
    """A place where a quotation stands."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "引文在原文中的一处"})

    text: str = Field(description="原文，与原文件逐字一致")
    spans: list[Offsets] = Field(
        description="在原文件中的位置；引文用省略号略去文字时，每一段一个，按序"
    )
    similarity: float = Field(ge=0, le=1, description="相似度；逐字相同（含折叠后相同）为 1")
    folds: list[Literal["space", "width", "punctuation", "script"]] = Field(
        description=(
            "与原文只有这些写法不同：space 空白与换行，width 全角半角，"
            "punctuation 标点的写法或首尾标点，script 繁体简体；为空则一字不差"
        )
    )
    differences: list[DifferenceOut] = Field(description="与原文不同之处，按序；exact 时为空")
    numbers_differ: bool = Field(
        description="数字与原文不同：文字再像，说的也不是一回事", examples=[True]
    )
    citation: CitationOut


class VerifiedQuoteOut(BaseModel):
    """A quotation and what became of it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "一处引文的核对结果"})

    text: str = Field(description="引文，不含两边的引号")
    start: int = Field(description="在所核对文字中的起，含，按 Unicode 码位计")
    end: int = Field(description="止，不含")
    verdict: Verdict = Field(
        description="exact 原文就是这样写的；fuzzy 原文有相近而不同的文字；absent 原文没有"
    )
    folded: bool = Field(description="为 exact 但写法有别，见 places[0].folds")
    numbers_differ: bool = Field(
        description="最相近的一处（含 elsewhere）数字与引文不同", examples=[True]
    )
    found: int = Field(description="共有几处；fuzzy 只列最相近的一处")
    places: list[QuotedPlaceOut] = Field(description="在何处，至多 10 处；写法相同的在前")
    elsewhere: list[QuotedPlaceOut] = Field(
        description="注明了出处、而那里没有这样写时，它实际在何处：话没有错，出处错了"
    )


class VerificationOut(BaseModel):
    """What became of a text."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "核对结果"})

    verdict: Verdict = Field(description="各处引文中最差的一个")
    scope: Literal["quotes", "sentences"] = Field(
        description="核对了什么：引号里的文字，或每一句话"
    )
    quotes: list[VerifiedQuoteOut] = Field(description="每处引文，按出现的先后")

    @classmethod
    def from_verification(cls, verification: Verification) -> Self:
        """Serialise a verification."""
        return cls.model_validate(verification.to_json())
