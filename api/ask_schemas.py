"""JSON in and out of answering: the contract that ``/openapi.json`` is generated from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.citation_schemas import CitedCaseOut
from api.fields import MAX_QUESTION, Question
from api.schemas import PassageOut, ReasonOut, SearchFilters
from rag.answer import Answer, AnswerSentence
from rag.ask import Evidence

MAX_TURNS = 20
"""Turns of a conversation; the last six are told to a model."""
_TOLD = 4000
"""Code points of an answer; whoever asks on sends all of it back, and it may have more."""


class TurnIn(BaseModel):
    """What was asked and answered before."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"description": "此前的一问一答"}
    )

    question: str = Field(max_length=MAX_QUESTION, description="当时的问题")
    answer: Annotated[str, AfterValidator(lambda text: text[:_TOLD])] = Field(
        description=f"当时的回答，即 answer.text；只看前 {_TOLD} 个字"
    )


class AskRequest(BaseModel):
    """A question and how to answer it."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"description": "提问请求"}
    )

    query: Question = Field(
        description=f"问题，去掉首尾空白后 1 至 {MAX_QUESTION} 个字",
        json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION},
        examples=["静安退税几天到账"],
    )
    top_k: int = Field(
        default=5,
        ge=1,
        le=50,
        description="最多依据几个段落；涉及多个案例的问题（如“哪些区……”）至少依据 10 个",
    )
    filters: SearchFilters = Field(default_factory=SearchFilters)
    mode: Literal["extractive", "llm", "auto"] = Field(
        default="auto",
        description=(
            "extractive：只用原文语句；llm：由语言模型行文，逐句核对；"
            "auto：配置了语言模型则用 llm，否则用 extractive"
        ),
    )
    history: list[TurnIn] = Field(
        default=[],
        max_length=MAX_TURNS,
        description=(
            "此前的问答，早的在前；由语言模型据此把追问补全为独立的问题，query 随之返回补全后的。"
            "没有用语言模型时不起作用"
        ),
        examples=[[]],
    )


class Place(BaseModel):
    """Characters of the cited source file."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"description": "所引原文件中的位置，按 Unicode 码位计"}
    )

    start: int = Field(description="起，含")
    end: int = Field(description="止，不含")


class SentenceOut(BaseModel):
    """A sentence of an answer."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "答案中的一句"})

    text: str = Field(description="语句，不含引注")
    citations: list[int] = Field(description="依据的段落，即 citations 中的 number，至少一个")
    source: Place | None = Field(
        description="逐字出自首个引注的原文件何处；由语言模型行文的语句为 null"
    )
    lead: str = Field(
        description="另起一行时行首的名称，通常是区；不另起一行则为空", examples=["静安区"]
    )

    @classmethod
    def from_sentence(cls, sentence: AnswerSentence) -> Self:
        """Serialise a sentence."""
        return cls.model_validate(sentence.to_json())


class AnswerOut(BaseModel):
    """An answer's words."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "答案"})

    text: str = Field(description="答案全文，每句之后以 [1] 的形式注明依据；没有回答时为说明")
    sentences: list[SentenceOut] = Field(description="逐句；没有回答时为空")


class CitedPassageOut(PassageOut):
    """A passage that an answer numbers."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "答案所依据的段落"})

    number: int = Field(description="在答案中的编号，从 1 起", examples=[1])


class CheckingOut(BaseModel):
    """What became of a language model's sentences."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"description": "对语言模型所写语句的核对结果"}
    )

    kept: int = Field(description="与依据相符、照写的句数")
    replaced: int = Field(description="与依据不符、换成原文语句的句数")
    dropped: int = Field(description="没有依据、去掉的句数")
    trouble: Literal["unavailable", "timeout", "cut_off", "refused", "unusable"] | None = Field(
        description="语言模型没有完成作答的原因：连接不上、超时、中断、自称无法回答、所写均无依据；正常则为 null"
    )


class AskMeta(BaseModel):
    """What is known of an answer before its first sentence."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "答案的概况"})

    query: str = Field(description="所回答的问题；追问为补全后的")
    index_version: str = Field(description="所检索的索引版本")
    mode: Literal["extractive", "llm"] = Field(description="答案由原文语句组成，还是由语言模型行文")
    abstained: bool = Field(
        description="是否判定案例集没有回答；为 true 时 citations 只是最接近的段落"
    )
    confidence: float = Field(ge=0, le=1, description="首个段落回答了问题的把握，不同问题之间可比")
    reason: ReasonOut = Field(description="判定没有回答的原因；有回答时为 null")
    named_districts: list[str] = Field(description="问题提到的区，用全称；没有提到则为空")

    @classmethod
    def from_evidence(cls, evidence: Evidence) -> Self:
        """Serialise what comes before the sentences."""
        findings = evidence.findings
        return cls(
            query=findings.question,
            index_version=findings.index_version,
            mode=evidence.mode,
            abstained=evidence.reason is not None,
            confidence=findings.confidence,
            reason=evidence.reason,
            named_districts=list(findings.named),
        )


class AskResponse(AskMeta):
    """An answer with its evidence."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "答案及其依据"})

    took_ms: float = Field(description="用时，毫秒")
    answer: AnswerOut
    citations: list[CitedPassageOut] = Field(description="答案引用的段落；没有回答时为最接近的段落")
    nearest: list[CitedCaseOut] = Field(
        description="没有回答时最接近的案例，ranks 指 citations 的次序；有回答时为空"
    )
    checking: CheckingOut | None = Field(
        description="语言模型所写语句的核对结果；没有用语言模型则为 null"
    )

    @classmethod
    def from_answer(cls, answer: Answer, *, took_ms: float) -> Self:
        """Serialise an answer; evidence that nothing cites is left out."""
        return cls.model_validate({**answer.to_json(), "took_ms": took_ms})
