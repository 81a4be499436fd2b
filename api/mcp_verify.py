"""The tool ``verify_quote``: a model checks what it is about to say, as ``POST /api/v1/verify`` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.fields import FilterText
from api.mcp_tool import Outcome, Tool
from api.verify import run_verify
from api.verify_schemas import MAX_TEXT, CitationIn, QuotedText, VerificationOut, VerifyRequest
from rag.verification import Verifier


class VerifyArguments(BaseModel):
    """Arguments of ``verify_quote``."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"description": "要核对的引文"})

    text: QuotedText = Field(
        description=(
            f"要核对的文字，1 至 {MAX_TEXT} 个字：有引号时核对引号里的，没有引号时逐句核对"
        ),
        json_schema_extra={"minLength": 1, "maxLength": MAX_TEXT},
    )
    case_id: FilterText | None = Field(
        default=None, description="文中说它出自哪个案例；不写则在全部案例里找"
    )

    def to_request(self) -> VerifyRequest:
        """Say the same as a request to the HTTP interface."""
        cited = None if self.case_id is None else CitationIn(case_id=self.case_id)
        return VerifyRequest(text=self.text, citation=cited)


def verify_tool(verifier: Verifier) -> Tool:
    """Make ``verify_quote``."""

    def run(arguments: Mapping[str, Any]) -> Outcome:
        asked = VerifyArguments.model_validate(arguments)
        result = run_verify(verifier, asked.to_request())
        places = (place for quote in result.quotes for place in (*quote.places, *quote.elsewhere))
        return Outcome(result, tuple(dict.fromkeys(place.citation.case_id for place in places)))

    return Tool(
        name="verify_quote",
        title="核对引文",
        description=(
            "逐条核对文字里的引文在案例原文中有没有，给用户看之前使用。"
            "verdict：exact 原文就是这样写的；fuzzy 原文有相近而不同的文字，differences 列出不同之处，请照原文改；"
            "absent 原文没有，请删去，不要换个说法再引。numbers_differ 为 true 表示数字与原文不同，文字再像也不能用。"
            "给了 case_id 而话在别的案例里，列在 elsewhere：话没有错，出处错了。"
            "位置一律按 Unicode 码位计：start、end 是 text 里的，spans 是原文件里的。"
        ),
        arguments=VerifyArguments.model_json_schema(),
        result=VerificationOut.model_json_schema(mode="serialization"),
        run=run,
        searches=True,
    )
