"""JSON of cases and facets: what the collections hold, apart from any question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from api.citation_schemas import SourcePlace
from api.fields import MAX_FILTER_VALUES, FilterText, FilterYear, Offsets, offsets_of
from rag.cite import label_of
from rag.filters import Filters
from rag.permalink import url_of
from rag.types import Case, Section


class CaseFilters(BaseModel):
    """Which cases to list; each may be repeated in the address."""

    model_config = ConfigDict(extra="forbid")

    district: list[FilterText] = Field(
        default=[],
        max_length=MAX_FILTER_VALUES,
        description="区，可写全称或简称；可重复",
        examples=[["静安区"]],
    )
    collection: list[FilterText] = Field(
        default=[],
        max_length=MAX_FILTER_VALUES,
        description="案例集标题，可只写一部分；可重复",
        examples=[["良好实践"]],
    )
    year: list[FilterYear] = Field(
        default=[],
        max_length=MAX_FILTER_VALUES,
        description="案例集年份；可重复",
        examples=[[2022]],
    )

    def to_filters(self) -> Filters:
        """Hand the filters to the pipeline."""
        return Filters(
            districts=tuple(self.district),
            collections=tuple(self.collection),
            years=tuple(self.year),
        )


class CaseSummary(BaseModel):
    """A case without its text."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "案例概要"})

    case_id: str = Field(description="案例编号，重建索引后不变")
    title: str = Field(description="案例标题")
    district: str | None = Field(description="主要所属区；原文没有写明则为 null")
    districts: list[str] = Field(description="全部所属区，主要的在前")
    collection: str = Field(description="案例集标题")
    case_rank: int | None = Field(description="在案例集中的排名，可并列；不排名则为 null")
    year: int | None = Field(description="案例集年份；无从得知则为 null")
    duplicate_of: str | None = Field(description="与哪个案例全文相同；不重复则为 null")
    label: str = Field(description="一行文字的出处，可直接显示")
    url: str = Field(description="原文页面")
    source: SourcePlace

    @classmethod
    def from_case(cls, case: Case) -> Self:
        """Serialise a case."""
        return cls(
            case_id=case.case_id,
            title=case.title,
            district=case.district,
            districts=[district.name for district in case.districts],
            collection=case.collection,
            case_rank=case.rank,
            year=case.year,
            duplicate_of=case.duplicate_of,
            label=label_of(case),
            url=url_of(case.case_id),
            source=SourcePlace(
                file=case.source.name,
                sha256=case.source.sha256,
                start=case.span.start,
                end=case.span.end,
            ),
        )


class CaseList(BaseModel):
    """Cases in the order of their sources."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "案例列表"})

    index_version: str = Field(description="索引版本")
    count: int = Field(description="列出的案例数，含重复")
    distinct: int = Field(description="其中不重复的案例数")
    cases: list[CaseSummary] = Field(description="按原文件中的次序")

    @classmethod
    def from_cases(cls, cases: Sequence[Case], *, index_version: str) -> Self:
        """Serialise the cases to list."""
        return cls(
            index_version=index_version,
            count=len(cases),
            distinct=sum(case.duplicate_of is None for case in cases),
            cases=[CaseSummary.from_case(case) for case in cases],
        )


class SectionOut(BaseModel):
    """A section and those below it; offsets count in the source file."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={"description": "章节；heading、body 与 children 首尾相接，没有遗漏"},
    )

    title: str = Field(description="标题文字，不含编号；最外层为空")
    level: int = Field(description="层级，从 1 起；最外层为 0")
    heading: Offsets = Field(description="标题在原文件中的位置；标题与正文连写时为空")
    body: Offsets = Field(description="下一级标题之前的正文在原文件中的位置")
    children: list[SectionOut] = Field(description="下一级章节")

    @classmethod
    def from_section(cls, section: Section) -> Self:
        """Serialise a section tree."""
        return cls(
            title=section.title,
            level=section.level,
            heading=offsets_of(section.heading),
            body=offsets_of(section.body),
            children=[SectionOut.from_section(child) for child in section.children],
        )


class DistrictEvidence(BaseModel):
    """The place in the source that says whose case it is."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "所属区的原文依据"})

    name: str = Field(description="区的全称", examples=["静安区"])
    start: int = Field(description="依据在原文件中的位置：起，含")
    end: int = Field(description="止，不含")
    quote: str = Field(description="原文写法", examples=["静安"])


class CaseDetail(CaseSummary):
    """A case whole."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "案例全文"})

    text: str = Field(description="原文，与原文件 source.start 至 source.end 逐字一致")
    sections: SectionOut
    district_evidence: list[DistrictEvidence] = Field(description="所属区的依据，与 districts 对应")

    @classmethod
    def from_case(cls, case: Case) -> Self:
        """Serialise a case with its text, sections and the evidence for its districts."""
        return cls(
            **CaseSummary.from_case(case).model_dump(),
            text=case.text,
            sections=SectionOut.from_section(case.body),
            district_evidence=[
                DistrictEvidence(
                    name=district.name,
                    start=district.evidence.start,
                    end=district.evidence.end,
                    quote=district.evidence.of(case.source.text),
                )
                for district in case.districts
            ],
        )


class NameCount(BaseModel):
    """How many cases have a name in common."""

    model_config = ConfigDict(frozen=True)

    value: str | None = Field(description="取值；原文没有写明则为 null", examples=["浦东新区"])
    count: int = Field(description="案例数，不计重复")


class YearCount(BaseModel):
    """How many cases are of a year."""

    model_config = ConfigDict(frozen=True)

    value: int | None = Field(description="年份；无从得知则为 null", examples=[2022])
    count: int = Field(description="案例数，不计重复")


class Facets(BaseModel):
    """What one can filter by. A case of several districts counts for each of them."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "description": "可用的筛选值，多的在前，同数按名称排；属于多个区的案例各计一次"
        },
    )

    district: list[NameCount] = Field(description="区")
    collection: list[NameCount] = Field(description="案例集")
    year: list[YearCount] = Field(description="年份")

    @classmethod
    def from_cases(cls, cases: Iterable[Case]) -> Self:
        """Count the values of the cases that are not duplicates."""
        distinct = [case for case in cases if case.duplicate_of is None]
        districts: Counter[str | None] = Counter()
        for case in distinct:
            names: set[str | None] = {district.name for district in case.districts}
            districts.update(names or {None})
        collections = Counter(case.collection for case in distinct)
        years = Counter(case.year for case in distinct)
        return cls(
            district=[
                NameCount(value=value, count=count)
                for value, count in sorted(
                    districts.items(), key=lambda item: (-item[1], item[0] is None, item[0] or "")
                )
            ],
            collection=[
                NameCount(value=value, count=count)
                for value, count in sorted(
                    collections.items(), key=lambda item: (-item[1], item[0])
                )
            ],
            year=[
                YearCount(value=value, count=count)
                for value, count in sorted(
                    years.items(), key=lambda item: (-item[1], item[0] is None, item[0] or 0)
                )
            ],
        )
