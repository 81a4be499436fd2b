"""JSON in and out of ``/dify/retrieval``, as Dify's callers write and read it.

What callers of one version or another send is taken: nulls, a name or several, values of any kind.
Fields that are not known here are passed over.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from api.dify_conditions import Condition, Operator, Value, why_unusable
from api.fields import REFUSED, Question
from rag.assistant import Finding

MAX_TOP_K = 50
# Every value is compared with those of every case.
MAX_CONDITIONS = 20
MAX_VALUES = 200
MAX_VALUE = 2000
"""Code points; a list may come as one text."""
_TOP_K = 5


def _values(value: Any) -> tuple[Value, ...]:
    """Read what a condition asks for: nothing, one value, or several."""
    if value is None:
        return ()
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, bool) or not isinstance(item, (str, int, float)) for item in items):
        raise PydanticCustomError(REFUSED, "应为文字、数字，或由它们组成的列表")
    if len(items) > MAX_VALUES:
        raise PydanticCustomError(REFUSED, "最多 {most} 项", {"most": MAX_VALUES})
    if any(isinstance(item, str) and len(item) > MAX_VALUE for item in items):
        raise PydanticCustomError(REFUSED, "每个值最多 {most} 个字", {"most": MAX_VALUE})
    return tuple(items)


def _names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ConditionIn(BaseModel):
    """One condition on the metadata of cases."""

    name: Annotated[list[str], BeforeValidator(_names), Field(min_length=1, max_length=10)]
    comparison_operator: Operator
    value: Annotated[tuple[Value, ...], PlainValidator(_values)] = ()

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if why := why_unusable(self.to_condition()):
            raise PydanticCustomError(REFUSED, "{why}", {"why": why})
        return self

    def to_condition(self) -> Condition:
        """Hand the condition to the pipeline."""
        return Condition(tuple(self.name), self.comparison_operator, self.value)


class MetadataCondition(BaseModel):
    """Conditions, and whether all of them must hold or any."""

    logical_operator: Literal["and", "or"] | None = None
    conditions: Annotated[list[ConditionIn], Field(max_length=MAX_CONDITIONS)] | None = None


class RetrievalSetting(BaseModel):
    """How many records, and from which score on."""

    top_k: Annotated[int, Field(ge=1)] | None = None
    score_threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @property
    def limit(self) -> int:
        """How many passages to look for: more than there may be are as many as there may be."""
        return min(self.top_k or _TOP_K, MAX_TOP_K)


class RetrievalRequest(BaseModel):
    """A question to one knowledge base."""

    knowledge_id: str
    query: Question
    retrieval_setting: RetrievalSetting | None = None
    metadata_condition: MetadataCondition | None = None


class RecordMetadata(BaseModel):
    """Where a record stands: the fields of a citation, side by side, and what names it."""

    model_config = ConfigDict(frozen=True)

    document_id: str = Field(description="The case: what Dify takes for a document.")
    passage_id: str
    index_version: str
    label: str
    case_id: str
    title: str
    district: str | None
    districts: list[str]
    collection: str
    case_rank: int | None
    year: int | None
    section: list[str]
    file: str
    sha256: str
    start: int
    end: int
    url: str
    other_district: bool
    abstained: bool


class Record(BaseModel):
    """A passage that was found."""

    model_config = ConfigDict(frozen=True)

    content: str
    score: float
    title: str
    metadata: RecordMetadata

    @classmethod
    def from_finding(cls, finding: Finding, *, index_version: str, abstained: bool) -> Self:
        """Serialise a finding.

        The title is the citation in one line, for Dify shows it, and nothing else, as the source.
        """
        citation = finding.citation
        return cls(
            content=finding.hit.passage.text,
            score=finding.hit.score,
            title=citation.label,
            metadata=RecordMetadata(
                document_id=citation.case_id,
                passage_id=finding.hit.passage.passage_id,
                index_version=index_version,
                other_district=finding.elsewhere,
                abstained=abstained,
                **asdict(citation),
            ),
        )


class RetrievalResponse(BaseModel):
    """Records, best first; none where nothing answers."""

    model_config = ConfigDict(frozen=True)

    records: list[Record]
