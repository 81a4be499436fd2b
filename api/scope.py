"""What a retriever of another framework asks for, and what it makes of the answer.

The frameworks hand over a question and nothing else; the rest is an `Options` that a retriever was
made with or a call brings along. They become the contract's own request, so that a service and an
index in this process are asked the same, and refuse the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from api.handlers import field_problems
from api.schemas import PassageOut, SearchRequest, SearchResponse
from rag.errors import CasebookError


class RequestRefusedError(CasebookError):
    """A question, an option, an address or a key cannot be used; asking again never helps."""


class Options(TypedDict, total=False):
    """The fields of a `Scope` as keyword arguments, any of them."""

    top_k: int
    district: str | Sequence[str]
    collection: str | Sequence[str]
    year: int | Sequence[int]
    case_id: str | Sequence[str]
    nearest: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """How many passages, of which cases, and what if none of them answers.

    The filters are named as in `SearchFilters`; each takes one value or several, which are
    alternatives.

    Attributes:
        top_k: How many passages at most, 1 to 50.
        district: Official names or the way people say them.
        collection: A collection's title or any part of it.
        year: Years of the collections.
        case_id: Cases by id.
        nearest: Whether to keep the nearest passages where the collection was found not to
            answer. Usually not: a model takes what it is given for an answer.

    Raises:
        RequestRefusedError: If a value cannot be asked for.
    """

    top_k: int = 5
    district: str | Sequence[str] = ()
    collection: str | Sequence[str] = ()
    year: int | Sequence[int] = ()
    case_id: str | Sequence[str] = ()
    nearest: bool = False

    def __post_init__(self) -> None:
        """Refuse here what would be refused with the first question."""
        self.request("问")

    def request(self, question: str) -> SearchRequest:
        """Ask a question within this scope.

        Raises:
            RequestRefusedError: If the question is blank or too long.
        """
        filters = {
            "district": _several(self.district),
            "collection": _several(self.collection),
            "year": _several(self.year),
            "case_id": _several(self.case_id),
        }
        try:
            return SearchRequest.model_validate(
                {"query": question, "top_k": self.top_k, "filters": filters}
            )
        except ValidationError as error:
            raise RequestRefusedError(_in_words(error.errors())) from error

    def passages(self, response: SearchResponse) -> list[PassageOut]:
        """The passages to hand over, best first; none where the collection does not answer."""
        return [] if response.abstained and not self.nearest else response.passages


def _several(value: object) -> object:
    """Several values as a list, one as a list of it; whether they will do is the contract's to say."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return [value]
    return list(value)


def _in_words(errors: Sequence[ErrorDetails]) -> str:
    fields = field_problems([{**error, "loc": ("body", *error["loc"])} for error in errors])
    return "；".join(f"{field.field}：{field.message}" for field in fields) + "。请改正后重试。"


DEFAULT_SCOPE = Scope()  # last: making one calls the functions above
