"""Passages without questions -> a draft of questions for each source, by a language model.

What is asked is planned first; then each answer is kept as it comes, and the drafts are written
whether the run ends, is interrupted or gives up.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from rag.cases import read_cases
from rag.chat import ChatClient, Message
from rag.chunk import DEFAULT_CUT, Cut, passages_of
from rag.drafts import (
    draft_of,
    expansion_of,
    known_expansions,
    merged,
    require_own_names,
    write_expansions,
)
from rag.encoder import Encoder
from rag.errors import CasebookError, ChatUnavailableError
from rag.expansions import Expansion, companion_of, questions_of
from rag.pool import Patience, Stopped, worked
from rag.question_cache import QuestionCache
from rag.question_writer import UnusableAnswerError, key_of, prompt_of, write_questions
from rag.source import Reading
from rag.types import Case, Passage

GIVE_UP = 5
"""Passages in a row that may fail before a run ends: the rest would fail as well, and cost money.

Of those that are being asked about then, at most one for each of the other jobs, some may fail too.
"""

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done and how much there is."""

Ended = Literal["done", "interrupted", "gave_up"]


@dataclass(frozen=True, slots=True)
class Task:
    """A passage that questions are to be written for."""

    case: Case
    passage: Passage

    @property
    def prompt(self) -> tuple[Message, ...]:
        """What is asked of the model."""
        return prompt_of(self.case, self.passage)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Attributes:
        reading: The sources.
        passages: How many there are, without those of repeated cases.
        tasks: Those to write for, in reading order.
    """

    reading: Reading = field(repr=False)
    passages: int
    tasks: tuple[Task, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is asked of a model.

    Attributes:
        jobs: Passages at once.
        limit: Passages at most; None asks about all. Answers that were kept do not count.
    """

    jobs: int = 2
    limit: int | None = None


_USUAL = Pace()


@dataclass(frozen=True, slots=True)
class Failure:
    """A passage that got no questions, and why."""

    task: Task
    why: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did.

    Attributes:
        drafts: The files with new lines, in the order of the sources.
        written: Passages that got questions.
        cached: How many of them from the cache.
        questions: How many they got.
        failures: Passages that were asked about in vain, in reading order.
        left: Passages that were not asked about: beyond the limit, or the run ended before.
        ended: Why the run ended; what was interrupted with nothing left is done.
    """

    drafts: tuple[Path, ...]
    written: int
    cached: int
    questions: int
    failures: tuple[Failure, ...]
    left: int
    ended: Ended


def plan(
    reading: Reading, encoder: Encoder, *, cut: Cut = DEFAULT_CUT, again: bool = False
) -> Plan:
    """Find the passages that nobody has written questions for.

    Those of repeated cases are left out, as the original is what is found.

    Args:
        reading: The sources.
        encoder: Counts tokens, so that passages are those of an index.
        cut: Passage size; smaller where the encoder cannot take as much.
        again: Take all passages, except those that are in a draft.

    Raises:
        ExpansionsError: If a draft or companion cannot be used.
        CasebookError: If two sources share a companion.
    """
    require_own_names(reading)
    known: list[Expansion] = []
    for source, file in zip(reading.sources, reading.files, strict=True):
        known.extend(known_expansions(draft_of(file), source))
        companion = known_expansions(companion_of(file), source)
        known.extend(() if again else companion)
    cases = read_cases(reading.sources)
    fitting = replace(cut, max_tokens=min(cut.max_tokens, encoder.identity.max_tokens))
    tasks = [
        Task(case, passage)
        for case in cases
        if case.duplicate_of is None
        for passage in passages_of(case, encoder.count_tokens, fitting)
    ]
    asked = questions_of([task.passage for task in tasks], cases, known)
    missing = tuple(task for task, has in zip(tasks, asked, strict=True) if not has)
    return Plan(reading, len(tasks), missing)


def keys_of(tasks: Iterable[Task], model: str) -> dict[str, list[Task]]:
    """Group tasks by what would be asked of a model; equal passages may ask the same."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(key_of(model, task.prompt), []).append(task)
    return groups


def expand(
    planned: Plan,
    chat: ChatClient,
    cache: QuestionCache,
    *,
    pace: Pace = _USUAL,
    stop: threading.Event | None = None,
    on_progress: Progress = lambda _stage, _done, _total: None,
) -> Run:
    """Write the questions of a plan into drafts.

    Args:
        planned: From `plan`.
        chat: The model; its ``sleep`` should end with the event, see `rag.pool.pausing`.
        cache: Keeps answers, and gives those that were kept.
        pace: How much is asked.
        stop: Ends the run once set: nothing more is asked, and what was asked is still kept.
        on_progress: Told after each answer.

    Raises:
        QuestionCacheError: If the cache is damaged.
        ExpansionsError: If a draft was edited meanwhile and cannot be read any more.
        OSError: If the disk refuses.
    """
    stop = stop or threading.Event()
    groups = keys_of(planned.tasks, chat.model)
    answers = {key: questions for key in groups if (questions := cache.get(key))}
    kept = frozenset(answers)
    missing = [key for key in groups if key not in kept][: pace.limit]
    failed: dict[str, str] = {}
    patience = Patience(GIVE_UP, stop)

    def ask(key: str) -> tuple[str, ...] | CasebookError | None:
        try:
            questions = write_questions(chat, groups[key][0].prompt)
        except (ChatUnavailableError, UnusableAnswerError) as error:
            patience.failed()
            return error
        except Stopped:
            return None
        patience.succeeded()
        return questions

    try:
        for key, result in worked(ask, missing, threads=pace.jobs, stop=stop):
            if isinstance(result, CasebookError):
                failed[key] = str(result)
            elif result is not None:
                cache.add(key, result)
                answers[key] = result
            on_progress("写问法", len(failed) + len(answers) - len(kept), len(missing))
    finally:
        drafts = _write_drafts(planned.reading, groups, answers)
    left = [key for key in groups if key not in answers and key not in failed]
    return Run(
        drafts=drafts,
        written=sum(len(groups[key]) for key in answers),
        cached=sum(len(groups[key]) for key in kept),
        questions=sum(len(groups[key]) * len(questions) for key, questions in answers.items()),
        failures=tuple(
            Failure(task, failed[key]) for key in groups if key in failed for task in groups[key]
        ),
        left=sum(len(groups[key]) for key in left),
        ended="gave_up"
        if patience.at_an_end
        else "interrupted"
        if stop.is_set() and left
        else "done",
    )


def _write_drafts(
    reading: Reading, groups: dict[str, list[Task]], answers: dict[str, tuple[str, ...]]
) -> tuple[Path, ...]:
    """Add the answers to the drafts as they are now: an editor may have worked on them meanwhile."""
    added: dict[str, list[Expansion]] = {}
    for key, questions in answers.items():
        for task in groups[key]:
            source, span = task.case.source, task.passage.span
            added.setdefault(source.name, []).append(expansion_of(source, span, questions))
    drafts: list[Path] = []
    for source, file in zip(reading.sources, reading.files, strict=True):
        if source.name in added:
            draft = draft_of(file)
            whole = merged(known_expansions(draft, source), added[source.name])
            write_expansions(draft, whole, source)
            drafts.append(draft)
    return tuple(drafts)
