"""``/livez`` and ``/readyz``: for whoever keeps the service running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from rag.assistant import Assistant


class Alive(BaseModel):
    """The process answers."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "进程在运行"})

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """The service can answer questions, and from what."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"description": "服务可用"})

    status: Literal["ready"] = "ready"
    index_version: str = Field(description="索引版本")
    cases: int = Field(description="案例数，含重复")
    passages: int = Field(description="段落数")
    encoder: str = Field(description="向量模型", examples=["multilingual-e5-small"])
    degraded: str | None = Field(
        default=None,
        description="现有索引不能用时，说明原因和应运行的命令；此时用的是另一个完好的版本",
    )


def health_routes(
    assistant: Assistant, *, passages: int, encoder: str, degraded: Callable[[], str | None]
) -> APIRouter:
    """Route health checks.

    Both run on the event loop: they compute nothing, and must answer even while every thread of
    the pool searches. There is no "loading" answer, because the service opens its index before it
    listens: until then connections are refused.
    """
    router = APIRouter(tags=["运行"])
    ready_now = Ready(
        index_version=assistant.index_version,
        cases=len(assistant.cases),
        passages=passages,
        encoder=encoder,
    )

    @router.get("/livez", summary="进程是否在运行", response_description="在运行")
    async def livez() -> Alive:
        return Alive()

    @router.get("/readyz", summary="服务是否可用", response_description="可用")
    async def readyz() -> Ready:
        return ready_now.model_copy(update={"degraded": degraded()})

    return router
