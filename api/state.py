"""What a service keeps while it runs: feedback, the query log, the audit log; each in a file of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.types import ASGIApp

from api import audit_log, feedback_store, query_log
from api.audit import Audit
from api.audit_log import AuditLog, Entry
from api.feedback_store import FeedbackStore
from api.keeping import Keeping
from api.query_log import QueryLog
from rag.errors import StateUnavailableError

_LOG = logging.getLogger("casebook.state")

SCHEMAS = (feedback_store.SCHEMA, query_log.SCHEMA, audit_log.SCHEMA)


@dataclass(frozen=True, slots=True)
class State:
    """What is kept now.

    Attributes:
        feedback: What people say of answers.
        queries: What is asked; None if that is not kept.
        audit: Who did what; None if that is not kept.
    """

    feedback: FeedbackStore
    queries: QueryLog | None
    audit: AuditLog | None

    def audited(self, app: ASGIApp, index_version: Callable[[], str]) -> ASGIApp:
        """Put the audit log around an application, where there is one."""
        return app if self.audit is None else Audit(app, self.audit, index_version)


@contextmanager
def kept_state(chosen: Keeping) -> Iterator[State]:
    """Keep state for as long as a service runs; at the end, what waits is written.

    Nothing here stops a service: what cannot be kept is logged, and tried again.

    Args:
        chosen: What to keep.
    """
    feedback = FeedbackStore(chosen.folder)
    queries = QueryLog(chosen.folder, days=chosen.query_days)
    audit = AuditLog(chosen.folder, days=chosen.audit_days) if chosen.audit else None
    try:
        feedback.open()
    except StateUnavailableError as error:
        _LOG.warning("现在收不了意见，检索照常：%s", error)
    if chosen.queries:
        _LOG.info("记录提问：遮去个人信息后保留 %d 天，写在 %s", chosen.query_days, queries.path)
    elif queries.exists:
        _LOG.info("不记录提问；%s 里以前的到期照常清除", queries.path)
    if chosen.queries or queries.exists:
        queries.start()
    if audit is not None:
        _begin(audit)
    try:
        yield State(feedback, queries if chosen.queries else None, audit)
    finally:
        if audit is not None:
            audit.note(Entry("stop"))
            audit.close()
        queries.close()
        feedback.close()


def _begin(audit: AuditLog) -> None:
    """Note the start, and tell the end of the chain where the file's owner cannot rewrite it."""
    try:
        end = audit.append(Entry("start"))
    except StateUnavailableError as error:
        _LOG.warning("现在写不了审计日志，检索照常：%s", error)
    else:
        _LOG.info("审计日志写到第 %d 条，哈希 %s", end.number, end.hash)
    audit.start()
