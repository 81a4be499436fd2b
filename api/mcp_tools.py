"""The tools: their arguments, their words, and what they do.

Results are the models of the HTTP interface, so both say the same thing; nothing here knows the protocol.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api import problems
from api.ask import run_ask
from api.ask_schemas import AskRequest, AskResponse
from api.case_schemas import CaseDetail, Facets
from api.fields import MAX_QUESTION, FilterText, FilterYear, Question
from api.mcp_tool import Outcome, Tool
from api.mcp_verify import verify_tool
from api.problems import ProblemError
from api.query_log import QueryLog
from api.schemas import PassageOut, SearchFilters, SearchRequest, SearchResponse
from api.search import run_search
from rag.ask import Asker
from rag.assistant import Assistant
from rag.filters import Filters
from rag.verification import Verifier

MAX_NAMED = 100
"""Districts that a schema or an error enumerates; a longer list would crowd out the question."""


class QuestionArguments(BaseModel):
    """Arguments of ``ask`` and ``search_cases``: single values, which models fill in more reliably than lists."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"description": "检索的参数"})

    query: Question = Field(
        description=f"一句完整的中文问题，1 至 {MAX_QUESTION} 个字；提到区名即可比较几个区",
        json_schema_extra={"minLength": 1, "maxLength": MAX_QUESTION},
    )
    top_k: int = Field(default=5, ge=1, le=50, description="最多返回几个段落")
    district: FilterText | None = Field(
        default=None, description="只检索这个区；不确定时不要填，问题里的区名会自动优先"
    )
    collection: FilterText | None = Field(
        default=None, description="只检索标题含有这几个字的案例集，如“良好实践”"
    )
    year: FilterYear | None = Field(default=None, description="只检索这一年的案例集")

    def filters(self) -> SearchFilters:
        """Say the same as the filters of the HTTP interface."""
        return SearchFilters(
            district=[] if self.district is None else [self.district],
            collection=[] if self.collection is None else [self.collection],
            year=[] if self.year is None else [self.year],
        )


class CaseArguments(BaseModel):
    """Arguments of ``get_case``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"description": "要读的案例"})

    case_id: FilterText = Field(description="案例编号，取自检索结果的 citation.case_id")


class NoArguments(BaseModel):
    """Arguments of a tool that takes none."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"description": "不需要参数"})


def tools_of(
    asker: Asker, facets: Facets, verifier: Verifier, queries: QueryLog | None = None
) -> tuple[Tool, ...]:
    """Make the tools over an opened index, in the order a model should see them.

    Args:
        asker: Answers.
        facets: The index's filter values.
        verifier: Checks quotations.
        queries: Where questions are kept, if anywhere.
    """
    assistant = asker.assistant
    return (
        ask_tool(asker, facets, queries),
        search_tool(assistant, facets, queries),
        case_tool(assistant),
        districts_tool(facets),
        verify_tool(verifier),
    )


def ask_tool(asker: Asker, facets: Facets, queries: QueryLog | None) -> Tool:
    """Make ``ask``: answers in the words of the sources, since a model will word them itself."""
    names = _names(facets)

    def run(arguments: Mapping[str, Any]) -> Outcome:
        asked = _question(asker.assistant, arguments, names)
        request = AskRequest(
            query=asked.query, top_k=asked.top_k, filters=asked.filters(), mode="extractive"
        )
        result = run_ask(asker, request, queries=queries)
        return Outcome(result, _cited(result.citations))

    return Tool(
        name="ask",
        title="回答问题",
        description=(
            "用政府优化营商环境案例集的原文语句回答一个问题：answer.sentences 逐句摘自原文，citations 是各句的依据；"
            "涉及几个案例的问题（如“哪些区……”“比较静安和嘉定”）每个案例一行，lead 是行首的区。"
            "abstained 为 true 表示案例集没有回答：请如实告诉用户 answer.text，不要用列出的段落拼凑答案。"
            "转述时不要改动数字、名称和日期，每句之后注明 citations[].citation.label。"
            "位置（source.start、source.end）一律按 Unicode 码位计，含起不含止。"
        ),
        arguments=_schema(names),
        result=AskResponse.model_json_schema(mode="serialization"),
        run=run,
        searches=True,
    )


def search_tool(assistant: Assistant, facets: Facets, queries: QueryLog | None) -> Tool:
    """Make ``search_cases``."""
    names = _names(facets)

    def run(arguments: Mapping[str, Any]) -> Outcome:
        asked = _question(assistant, arguments, names)
        request = SearchRequest(query=asked.query, top_k=asked.top_k, filters=asked.filters())
        result = run_search(assistant, request, queries)
        return Outcome(result, _cited(result.passages))

    return Tool(
        name="search_cases",
        title="检索案例段落",
        description=(
            "在政府优化营商环境案例集中检索能回答问题的原文段落，最相关的在前，每段附出处。"
            "abstained 为 true 表示案例集没有回答这个问题，列出的只是最接近的段落："
            "请如实告诉用户没有找到，不要用它们拼凑答案；reason 是原因（not_in_collection 案例集不涉及，"
            "not_in_district 所问的区没有而别的区有，low_confidence 把握不足）。"
            "other_district 为 true 的段落属于问题没有提到的区，引用时必须说明。"
            "回答只依据 passages[].text，每个论断后注明 citation.label，并附 citation.url（本服务页面的相对地址）。"
            "位置（source.start、source.end、highlights）一律按 Unicode 码位计，含起不含止。"
        ),
        arguments=_schema(names),
        result=SearchResponse.model_json_schema(mode="serialization"),
        run=run,
        searches=True,
    )


def case_tool(assistant: Assistant) -> Tool:
    """Make ``get_case``."""

    def run(arguments: Mapping[str, Any]) -> Outcome:
        asked = CaseArguments.model_validate(arguments)
        case = assistant.case(asked.case_id)
        if case is None:
            raise ProblemError(
                problems.CASE_NOT_FOUND,
                f"没有编号为“{asked.case_id}”的案例；编号取自 search_cases 结果的 citation.case_id，请勿自拟。",
            )
        return Outcome(CaseDetail.from_case(case), (case.case_id,))

    return Tool(
        name="get_case",
        title="读一个案例的全文",
        description=(
            "按编号取一个案例：原文、章节、所属区及其原文依据。段落不足以回答、需要上下文时使用。"
            "text 与原文件的 source.start 至 source.end 逐字相同，按 Unicode 码位计；"
            "引用时请注明 label 和 url。duplicate_of 不为 null 表示它与那个案例全文相同。"
        ),
        arguments=CaseArguments.model_json_schema(),
        result=CaseDetail.model_json_schema(mode="serialization"),
        run=run,
    )


def districts_tool(facets: Facets) -> Tool:
    """Make ``list_districts``."""

    def run(arguments: Mapping[str, Any]) -> Outcome:
        NoArguments.model_validate(arguments)
        return Outcome(facets)

    return Tool(
        name="list_districts",
        title="列出可选的区",
        description=(
            "列出案例涉及的区、案例集和年份，以及各有多少案例（不计重复）；"
            "value 为 null 的是原文没有写明的。用于回答“有哪些区”，或为 search_cases 选取筛选值。"
        ),
        arguments=NoArguments.model_json_schema(),
        result=Facets.model_json_schema(mode="serialization"),
        run=run,
    )


def _names(facets: Facets) -> list[str]:
    return [it.value for it in facets.district if it.value is not None]


def _schema(names: Sequence[str]) -> dict[str, Any]:
    """Describe the arguments of a question, with the districts that there are."""
    schema = QuestionArguments.model_json_schema()
    if 0 < len(names) <= MAX_NAMED:
        schema["properties"]["district"]["anyOf"][0]["enum"] = list(names)
    return schema


def _question(
    assistant: Assistant, arguments: Mapping[str, Any], names: list[str]
) -> QuestionArguments:
    asked = QuestionArguments.model_validate(arguments)
    if asked.district is not None:
        _require_district(assistant, asked.district, names)
    return asked


def _cited(passages: Sequence[PassageOut]) -> tuple[str, ...]:
    """List the cases of some passages, each once."""
    return tuple(dict.fromkeys(passage.citation.case_id for passage in passages))


def _require_district(assistant: Assistant, district: str, names: list[str]) -> None:
    """Refuse a district that no case is of: a model would take the empty result for an answer."""
    if any(map(Filters(districts=(district,)).allow, assistant.cases)):
        return
    choice = (
        f"可选：{'、'.join(names)}"
        if len(names) <= MAX_NAMED
        else "可选的区请调用 list_districts 查看"
    )
    raise ProblemError(
        problems.INVALID_FIELD, f"district：没有“{district}”的案例。{choice}；或不填 district。"
    )
