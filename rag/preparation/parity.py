"""Proof that a prepared model gives the vectors that sentence-transformers gives, or nearly."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rag.encoder import Encoder
from rag.encoder_file import Parity
from rag.errors import ModelError

# fp32 in another order of operations moves a cosine by about 1e-6; a wrong mask, prompt or pooling
# moves it by more than 1e-2.
MIN_COSINE = 0.9999

# Eight bits move a cosine by less than .006 with either known model. What goes wrong moves it much
# further: one scale for a whole matrix by .04 to .06, weights that overflow by up to .41.
MIN_QUESTION_COSINE = 0.98

MIN_SENTENCES = 64

# What real text is made of, for machines without a corpus: official prose, everyday questions,
# digits, full-width punctuation, Latin and rare characters.
_CLAUSES = (
    "推进“一网通办”改革",
    "企业开办全程网上办理，最快1个工作日办结",
    "怎么给员工补缴社保？",
    "对新引进的总部企业，给予最高５００万元一次性奖励",
    "Shanghai Pilot Free Trade Zone, since 2013",
    "法院、司法局与工商联建立“律政联商”机制",
    "（一）深化“放管服”改革；（二）优化涉企服务",
    "小微企业贷款难、贷款贵",
    "办理建筑许可由原来的十八个环节压缩至4个",
    "知识产权质押融资",
    "我们公司在嘉定，想请人上门指导用电报装",
    "做到“无事不扰、有求必应”",
    "㐂、䶮、𠮷等生僻字的姓名也能办证",
    "24小时自助服务区（7x24h）",
    "长三角一体化示范区跨省通办",
    "满意度达到99.87%。",
)

BUILT_IN_SENTENCES = tuple(
    "，".join(_CLAUSES[(start + step) % len(_CLAUSES)] for step in range(length))
    for length in (1, 2, 4, 7)
    for start in range(len(_CLAUSES))
)


def sentences_of(file: Path, limit: int = 96) -> tuple[str, ...]:
    """Take sentences of varied length out of a text file; whole paragraphs are among them.

    Args:
        file: UTF-8 text.
        limit: How many to take, spread evenly over the file.

    Returns:
        Half of them single sentences, half of them lines, at most 300 characters each.
    """
    lines = [line.strip()[:300] for line in file.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line]
    single = [part for line in lines for part in re.split(r"(?<=[。；！？])", line) if part]
    half = limit // 2
    return tuple(every for pool in (single, lines) for every in _spread(pool, half))


def prove_parity(
    encoder: Encoder,
    reference: Callable[[Sequence[str], str], NDArray[np.float32]],
    sentences: Sequence[str],
) -> Parity:
    """Compare an exported encoder with its original, as questions and as passages.

    Every sentence is encoded as a passage in a batch, as a passage alone and as a question alone;
    all of them joined make one question that is too long, so the cut is compared as well.

    Args:
        encoder: The exported one.
        reference: The original: texts and a prompt -> unit rows.
        sentences: At least ``MIN_SENTENCES``; what the encoder cannot take is cut off first.

    Returns:
        The cosine of the worst comparison and the mean, rounded down to six places, and how many
        sentences.

    Raises:
        ValueError: If there are too few sentences.
        ModelError: If any cosine is below ``MIN_COSINE``.
    """
    identity = encoder.identity
    fitting = _fitting(encoder, sentences)
    passages = reference(fitting, identity.passage_prompt)
    questions = _with_a_long_one(fitting)
    comparisons = {
        "成批编码的段落": (encoder.encode_passages(fitting), passages),
        "逐个编码的段落": (
            np.concatenate([encoder.encode_passages([text]) for text in fitting]),
            passages,
        ),
        "问题": (
            np.stack([encoder.encode_query(text) for text in questions]),
            reference(questions, identity.query_prompt),
        ),
    }
    found: list[NDArray[np.float64]] = []
    for what, (ours, theirs) in comparisons.items():
        cosines = _cosines(ours, theirs)
        lowest = int(np.argmin(cosines))
        if not cosines[lowest] >= MIN_COSINE:
            message = (
                f"导出的 {identity.name} 与 sentence-transformers 不一致：{what}中第 {lowest + 1} "
                f"个的余弦是 {cosines[lowest]:.6f}，应不低于 {MIN_COSINE}；没有写入任何文件"
            )
            raise ModelError(message)
        found.append(cosines)
    return _parity(len(fitting), np.concatenate(found))


def measure_questions(encoder: Encoder, reference: Encoder, sentences: Sequence[str]) -> Parity:
    """Compare the questions of an encoder with those of its fp32 original.

    Args:
        encoder: Encodes questions in 8 bits.
        reference: The same model in fp32, proved by ``prove_parity``.
        sentences: Those of that proof; they are asked alone, and joined to one that is cut.

    Returns:
        As ``prove_parity``; what is too low is for the caller to refuse.

    Raises:
        ValueError: If there are too few sentences.
    """
    questions = questions_of(encoder, sentences)
    ours, theirs = (
        np.stack([each.encode_query(text) for text in questions]) for each in (encoder, reference)
    )
    return _parity(len(questions) - 1, _cosines(ours, theirs))


def questions_of(encoder: Encoder, sentences: Sequence[str]) -> list[str]:
    """Make questions of sentences: each alone, and all joined to one that is cut.

    Raises:
        ValueError: If there are fewer than ``MIN_SENTENCES``.
    """
    return _with_a_long_one(_fitting(encoder, sentences))


def _fitting(encoder: Encoder, sentences: Sequence[str]) -> list[str]:
    """Cut the sentences to what an encoder takes.

    Raises:
        ValueError: If there are too few.
    """
    # Hardly any character takes more than one token; the few texts where many do are left out.
    room = encoder.identity.max_tokens - encoder.count_tokens("")
    cut = [text[:room] for text in sentences]
    fitting = [text for text in cut if encoder.count_tokens(text) <= encoder.identity.max_tokens]
    if len(fitting) < MIN_SENTENCES:
        message = f"{len(fitting)} sentences prove little, expected at least {MIN_SENTENCES}"
        raise ValueError(message)
    return fitting


def _with_a_long_one(fitting: Sequence[str]) -> list[str]:
    return [*fitting, "".join(fitting)]


def _cosines(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row by row, of unit vectors."""
    cosines: NDArray[np.float64] = np.sum(ours.astype(np.float64) * theirs, axis=1)
    return cosines


def _parity(sentences: int, cosines: NDArray[np.float64]) -> Parity:
    """Worst and mean; never a cosine above 1, which rounding can give."""
    worst, mean = (np.floor(min(c, 1.0) * 1e6) / 1e6 for c in (cosines.min(), cosines.mean()))
    return Parity(sentences=sentences, min_cosine=float(worst), mean_cosine=float(mean))


def _spread(pool: Sequence[str], count: int) -> list[str]:
    """Pick ``count`` of a pool at even distances."""
    return [pool[i * len(pool) // count] for i in range(count)] if pool else []
