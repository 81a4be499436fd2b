"""JSON in and out of search: the contract that ``/openapi.json`` is generated from.

Text and offsets only, never HTML: whoever shows a passage marks it up.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from api.citation_schemas import CitationOut, CitedCaseOut
from api.fields import (
    MAX_FILTER_VALUES,
    MAX_QUESTION,
    FilterText,
    FilterYear,
    Offsets,
    Question,
)
from rag.assistant import Finding, Findings
from rag.filters import Filters
from rag.scoring import RESCORED

ReasonOut = Literal["not_in_collection", "not_in_district", "low_confidence"] | None


class SearchFilters(BaseModel):
    """Which cases to search."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"description": "检索范围：同一项内取任一值，各项之间同时满足"},
    )

    district: list[FilterText] = Field(
        default=[],
        max_length=MAX_FILTER_VALUES,
        description="区，可写全称或简称",
        examples=[["静安区"]],
    )
    collection: list[FilterText] = Field(
        default=[],
        max_length=MAX_FILTER_VALUES,
        description="案例集标题，可只写一部分",
        examples=[["良好实践"]],
    )
    year: list[FilterYear] = Field(
        default=[], max_length=MAX_FILTER_VALUES, description="案例集年份", examples=[[2022]]
    )
    case_id: list[FilterText] = Field(
        default=[], max_length=MAX_FILTER_VALUES, description="案例编号", examples=[[]]
    )

    def to_filters(self) -> Filters:
        """Hand the filters to the pipeline."""
        return Filters(
            districts=tuple(self.district),
            collections=tuple(self.collection),
            years=tuple(self.year),
            case_ids=tuple(self.case_id),
        )


class SearchRequest(BaseModel):
    """A question and how to search for it."""

    # Strict, so that "5" or true is refused instead of being read as a number.
    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"description": "检索请求"}
    )

    query: Question = Field(
        description=f"问题，去掉首尾空白后 1 至 {MAX_QUESTION} 个字",
        json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION},
        examples=["开公司能不能自己选经营范围？"],
    )
    top_k: int = Field(default=5, ge=1, le=50, description="最多返回几个段落")
    filters: SearchFilters = Field(default_factory=SearchFilters)
    explain: bool = Field(default=False, description="是否附上每个段落的得分构成")
    by_case: bool = Field(
        default=False, description="是否另附按案例归并的 cases；top_k 数的仍是段落"
    )


class Explanation(BaseModel):
    """What a passage's score is made of."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"description": "得分构成，均为 0 至 1"}
    )

    dense: float = Field(description="与最相近句子的语义相似度")
    lexical: float = Field(description="字面匹配到的问题词权重之比")
    expansion: float = Field(description="与预设问法的相似度；没有预设问法时为 0")
    late: float = Field(
        description=(
            f"与问题逐词比对的相似度；只比对最靠前的 {RESCORED} 段，其余段落或不逐词比对时为 0"
        )
    )
    matched_terms: list[str] = Field(description="段落中出现的问题用词，长的在前")

    @classmethod
    def from_finding(cls, finding: Finding) -> Self:
        """Tell what a finding's score is made of."""
        hit = finding.hit
        return cls(
            dense=hit.dense,
            lexical=hit.lexical,
            expansion=hit.expansion,
            late=hit.late,
            matched_terms=list(finding.matched_terms),
        )


class PassageOut(BaseModel):
    """A passage that was found."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "检索到的段落"})

    rank: int = Field(description="名次，从 1 起")
    passage_id: str = Field(description="段落编号：案例编号:起-止")
    text: str = Field(description="段落原文，与原文件逐字一致")
    score: float = Field(ge=0, le=1, description="相关度，不同问题之间可比")
    highlights: list[Offsets] = Field(description="text 中与问题相同的文字，按序、不重叠")
    other_district: bool = Field(
        description=(
            "问题提到了区，而这个案例属于其他区；问题没有提到区，或案例没有写明所属区时为 false"
        ),
        examples=[False],
    )
    citation: CitationOut
    explain: Explanation | None = Field(
        default=None,
        exclude_if=lambda explain: explain is None,
        description="得分构成；仅当请求 explain 为 true 时出现",
    )


class SearchResponse(BaseModel):
    """What a question brought up."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "检索结果"})

    query: str = Field(description="所检索的问题")
    index_version: str = Field(description="所检索的索引版本")
    took_ms: float = Field(description="检索用时，毫秒")
    abstained: bool = Field(description="是否判定案例集没有回答；为 true 时仍列出最接近的段落")
    confidence: float = Field(ge=0, le=1, description="首个段落回答了问题的把握，不同问题之间可比")
    reason: ReasonOut = Field(description="判定没有回答的原因；有回答时为 null")
    named_districts: list[str] = Field(
        description="问题提到的区，按提到的先后，用全称；没有提到则为空", examples=[["静安区"]]
    )
    passages: list[PassageOut] = Field(description="段落，最相关的在前")
    cases: list[CitedCaseOut] | None = Field(
        default=None,
        exclude_if=lambda cases: cases is None,
        description="段落所属的案例，按各自最靠前的段落排列；仅当请求 by_case 为 true 时出现",
    )

    @classmethod
    def from_findings(
        cls, findings: Findings, *, took_ms: float, explain: bool, by_case: bool
    ) -> Self:
        """Serialise the findings of one question; each flag adds what the request asks for."""
        record = findings.to_json(by_case=by_case) | {"took_ms": took_ms}
        if explain:
            for passage, finding in zip(record["passages"], findings.findings, strict=True):
                passage["explain"] = Explanation.from_finding(finding)
        return cls.model_validate(record)
