"""`Findings` -> an answer that a language model words, every sentence of it checked.

Sentences are shown as they complete, after `rag.grounding` has decided what may be shown of each.
Whatever the model does (down, slow, cut off, nonsense, refusing), the extractive answer is there by
the deadline: in place of what could not be shown, or behind it. See
docs/decisions/0021-checked-generation.md.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event

from rag.answer import Answer, AnswerSentence, Checking, Mode, Trouble
from rag.assistant import Finding
from rag.chat import ChatClient, Deadline
from rag.errors import ChatCutOffError, ChatTimeoutError, ChatUnavailableError
from rag.extract import own_findings
from rag.prompt import prompt_of
from rag.shown import Shown
from rag.written import SentenceReader, Written

_REFUSAL = re.compile(
    r"无法回答|不能回答|无法(?:根据|从)|(?:证据|材料|资料|原文)[^。]{0,8}(?:没有|未)(?:提|写|说|找|给|包含)"
)
_PATIENCE = Deadline(total_s=20.0, first_s=8.0)


@dataclass(frozen=True, slots=True)
class GenerationConfig:
    """What a model may take.

    Attributes:
        deadline: For its answer. The extractive one follows at once.
        most_sentences: Shown of what it writes.
        most_read: Sentences read of it, and `most_chars` code points: a model that repeats itself
            is stopped there.
        most_chars: See above; thoughts that are spoken aloud count too.
        max_tokens: Asked of the endpoint.
    """

    deadline: Deadline = _PATIENCE
    most_sentences: int = 8
    most_read: int = 24
    most_chars: int = 20_000
    max_tokens: int = 1024


_USUAL = GenerationConfig()


def generate(
    extracted: Answer,
    chat: ChatClient,
    config: GenerationConfig = _USUAL,
    left: Event | None = None,
) -> Generator[AnswerSentence | Answer, None, None]:
    """Answer with a language model's sentences, as far as the evidence holds them.

    Args:
        extracted: The answer in the source's own words; see `rag.extract.extract`.
        chat: The model; asked only if that is no refusal.
        config: What it may take.
        left: Set when nobody waits for the answer any more.

    Raises:
        AbandonedError: Out of the sentences, once that is set.

    Returns:
        Sentences as they may be shown, then the whole `Answer` of exactly these; a refusal as it
        came. Its evidence is `own_findings` of the findings, cited or not; its mode is ``llm`` if
        anything that the model wrote led to a sentence. Closing it closes the connection to the
        model.
    """
    if extracted.abstained:
        yield extracted
        return
    findings = extracted.findings
    evidence = own_findings(findings)
    shown = Shown(findings.question, evidence)
    heard = _Heard()
    with closing(_sentences(findings.question, evidence, chat, config, heard, left)) as sentences:
        for written in sentences:
            sentence = shown.judge(written)
            if sentence is not None:
                yield sentence
            if len(shown.sentences) == config.most_sentences:
                break
    trouble = heard.trouble
    if not shown.sentences:
        trouble = trouble or ("refused" if heard.refused else "unusable")
    by_model = bool(shown.sentences)
    if trouble is not None:
        for sentence in extracted.sentences:
            added = shown.add(sentence, extracted.evidence, alone=not by_model)
            if added is not None:
                yield added
    checking = Checking(shown.kept, shown.replaced, shown.dropped, trouble)
    mode: Mode = "llm" if by_model else "extractive"
    yield Answer(findings, evidence, tuple(shown.sentences), "", None, mode, checking)


@dataclass(slots=True)
class _Heard:
    """What is known of a model's reply beside its sentences."""

    trouble: Trouble | None = None
    refused: bool = False


def _sentences(
    question: str,
    evidence: Sequence[Finding],
    chat: ChatClient,
    config: GenerationConfig,
    heard: _Heard,
    left: Event | None,
) -> Generator[Written, None, None]:
    """Ask the model and cut its reply into sentences, its refusals left out; a model never fails it."""
    reader = SentenceReader()
    prompt = prompt_of(question, evidence, most=config.most_sentences)
    pieces = chat.stream(prompt, deadline=config.deadline, max_tokens=config.max_tokens, left=left)
    chars, count, ended = 0, 0, False
    try:
        while not ended:
            try:
                piece = next(pieces, "")
            except ChatTimeoutError:
                heard.trouble, piece = "timeout", ""
            except ChatCutOffError:
                heard.trouble, piece = "cut_off", ""
            except ChatUnavailableError:
                heard.trouble, piece = "unavailable", ""
            ended = not piece
            chars += len(piece)
            # Where it broke off, half a sentence is checked like any other.
            for written in reader.read(piece, last=ended):
                count += 1
                if _REFUSAL.search(written.text):
                    heard.refused = True
                else:
                    yield written
            if count >= config.most_read or chars >= config.most_chars:
                heard.trouble = "cut_off"
                return
    finally:
        pieces.close()
