"""`Tool`: what a language model can call, and what it is told when a call fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from api import problems
from api.handlers import field_problems
from api.problems import ProblemError, problem_of
from rag.errors import CasebookError

_LOG = logging.getLogger("casebook.api")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call brought up.

    Attributes:
        result: As the HTTP interface would say it.
        case_ids: The cases to link, each once, in the order of the result.
    """

    result: BaseModel
    case_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """Something a language model can call. No tool changes anything.

    Attributes:
        name: What it is called by; never changes once released.
        title: The same for people.
        description: What a model must know to choose it and to read its result.
        arguments: JSON Schema of the arguments.
        result: JSON Schema of the result.
        run: Computes; given arguments that do not fit raises pydantic's ``ValidationError``, given
            ones that name nothing `ProblemError`.
        searches: Whether it takes a search's time, and so a place at the turnstile.
    """

    name: str
    title: str
    description: str
    arguments: Mapping[str, Any]
    result: Mapping[str, Any]
    run: Callable[[Mapping[str, Any]], Outcome]
    searches: bool = False


def words_for(error: Exception, tool: Tool) -> str:
    """Say to a model what went wrong and what to do about it, and never what happened inside.

    What is not the caller's doing is logged here.
    """
    if isinstance(error, ProblemError):
        return f"{error.kind.title}：{error.detail}"
    if isinstance(error, ValidationError):
        # The path of a field begins behind "body", as in a request to the HTTP interface.
        errors = field_problems([{**it, "loc": ("body", *it["loc"])} for it in error.errors()])
        fields = "；".join(f"{it.field}：{it.message}" for it in errors)
        return f"{problems.INVALID_FIELD.title}：{fields}。请改正后再调用。"
    _LOG.error("tool %s failed", tool.name, exc_info=error)
    known = error if isinstance(error, CasebookError) else CasebookError()
    kind, detail = problem_of(known)
    return f"{kind.title}：{detail}"
