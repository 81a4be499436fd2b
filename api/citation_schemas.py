"""JSON of citations: where a passage stands, and the cases that several stand in."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from rag.cite import Citation
from rag.cited_cases import CitedCase


class SourcePlace(BaseModel):
    """Characters of a source file."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"description": "原文件中的位置，按 Unicode 码位计"}
    )

    file: str = Field(
        description="原文件名", examples=["data/shanghai-2022-business-environment-cases.txt"]
    )
    sha256: str = Field(description="原文件字节的 SHA-256")
    start: int = Field(description="起，含")
    end: int = Field(description="止，不含")


class CitationOut(BaseModel):
    """Where a passage stands."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "出处"})

    label: str = Field(description="一行文字的出处，可直接显示")
    case_id: str = Field(description="案例编号，重建索引后不变")
    title: str = Field(
        description="案例标题", examples=["推进商事登记确认制 持续创新市场准入便利化改革"]
    )
    district: str | None = Field(
        description="主要所属区；原文没有写明则为 null", examples=["浦东新区"]
    )
    districts: list[str] = Field(description="全部所属区，主要的在前")
    collection: str = Field(
        description="案例集标题", examples=["上海市2022年度各区优化营商环境优秀案例"]
    )
    case_rank: int | None = Field(description="在案例集中的排名，可并列；不排名则为 null")
    year: int | None = Field(description="案例集年份；无从得知则为 null")
    section: list[str] = Field(description="段落之上的各级标题，由外到内")
    source: SourcePlace
    url: str = Field(description="原文页面，打开即定位到该段落")

    @classmethod
    def from_citation(cls, citation: Citation) -> Self:
        """Serialise a citation."""
        return cls.model_validate(citation.to_json())


class CitedCaseOut(BaseModel):
    """A case among the passages that were found."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "检索到的案例"})

    case_id: str = Field(description="案例编号，重建索引后不变", examples=["cfa95eaca4f"])
    title: str = Field(
        description="案例标题", examples=["推进商事登记确认制 持续创新市场准入便利化改革"]
    )
    district: str | None = Field(
        description="主要所属区；原文没有写明则为 null", examples=["浦东新区"]
    )
    districts: list[str] = Field(description="全部所属区，主要的在前", examples=[["浦东新区"]])
    label: str = Field(description="一行文字的出处，可直接显示")
    url: str = Field(description="原文页面", examples=["/cases/cfa95eaca4f"])
    ranks: list[int] = Field(
        description="它的段落在 passages 中的名次，从小到大；每个名次只属于一个案例",
        examples=[[1, 3]],
    )

    @classmethod
    def from_cited(cls, case: CitedCase) -> Self:
        """Serialise a case."""
        return cls.model_validate(case.to_json())
