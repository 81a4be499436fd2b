"""Sources -> content of an index: read the cases, cut, encode, rank. Nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from index.content import Content, QuestionIndex
from index.dense import DenseRanker
from index.late import LateRanker
from index.lexical import LexicalRanker
from index.recipe import DEFAULT_RECIPE, Recipe
from index.vectors import VectorCache
from rag.cases import read_cases
from rag.chunk import context_of, passages_of
from rag.encoder import Encoder, TokenEncoder
from rag.expansions import Expansion, ExpansionsError, questions_of
from rag.noise import UNRELATED, floor_of
from rag.passages import Passages
from rag.script import simplified
from rag.types import Case, Passage, Source, Span
from rag.unmarked import unmarked

_SHOWN = 20
"""Characters of a question that an error shows."""

Progress = Callable[[str, int, int], None]
"""Called with a stage, how much of it is done and how much there is."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """What an index holds, and the noise floor that its dense scores count from."""

    content: Content
    floor: float


def assemble(
    sources: Sequence[Source],
    expansions: Sequence[Expansion],
    encoder: Encoder,
    cache: VectorCache,
    recipe: Recipe = DEFAULT_RECIPE,
    *,
    on_progress: Progress = lambda _stage, _done, _total: None,
) -> Assembly:
    """Make the content of an index.

    Args:
        sources: At least one.
        expansions: Of these sources; used if the recipe asks for them.
        encoder: Makes the vectors.
        cache: Keeps them.
        recipe: The choices; passages are cut smaller where the encoder cannot take as much.
        on_progress: Told about the stages that take time.

    Raises:
        ValueError: If there are no sources.
        ExpansionsError: If a question expansion is longer than the encoder takes.
    """
    if not sources:
        message = "an index needs at least one source"
        raise ValueError(message)
    cases = read_cases(sources)
    passages = _passages(cases, encoder, recipe, on_progress)
    spans = [p.sentences if recipe.keys == "sentence" else (p.span,) for p in passages]
    asked = questions_of(passages, cases, expansions) if recipe.expansions else [()] * len(passages)
    keys = text_keys(cases, passages, spans, encoder)
    questions = _question_keys(cases, passages, asked, encoder)
    distinct = len({*keys, *questions})
    vectors = cache.encode(
        encoder,
        keys + questions,
        on_progress=lambda done: on_progress("编码句子", done, distinct),
    )
    dense = DenseRanker.build(vectors[: len(keys)], [len(of) for of in spans], recipe.exact_up_to)
    floor = floor_of(
        dense.top_cosine(encoder.encode_query(unmarked(question))) for question in UNRELATED
    )
    by_id = {case.case_id: case for case in cases}
    lexical = LexicalRanker.build(
        (f"{context_of(by_id[p.case_id], p.section)}\n{p.text}" for p in passages), recipe.bm25
    )
    known = None
    if questions:
        known = QuestionIndex(
            questions=tuple(asked),
            dense=DenseRanker.build(
                vectors[len(keys) :], [len(of) for of in asked], recipe.exact_up_to
            ).over(floor),
            lexical=LexicalRanker.build(["\n".join(of) for of in asked], recipe.bm25),
        )
    late = None
    if recipe.late and isinstance(encoder, TokenEncoder):
        texts = text_keys(cases, passages, [(passage.span,) for passage in passages], encoder)
        late = _late(texts, encoder, cache, on_progress)
    content = Content(cases, Passages.of(cases, passages), dense.over(floor), lexical, known, late)
    return Assembly(content, floor)


def _late(
    texts: Sequence[str], encoder: TokenEncoder, cache: VectorCache, on_progress: Progress
) -> LateRanker:
    projection, distinct = cache.projection(encoder), len(set(texts))
    tokens = cache.encode_tokens(
        encoder,
        projection,
        texts,
        on_progress=lambda done: on_progress("编码词元", done, distinct),
    )
    unrelated = [encoder.encode_query_tokens(unmarked(question))[1] for question in UNRELATED]
    return LateRanker.build(projection, tokens).over(unrelated)


def text_keys(
    cases: Sequence[Case],
    passages: Sequence[Passage],
    spans: Sequence[Sequence[Span]],
    encoder: Encoder,
) -> list[str]:
    """Write out what is encoded for runs of the text: whose case it is, and the run.

    The district in front is what tells one district's sentence from another's: without it dense
    R@1 is .481 on the development questions, with it .613. Titles and headings there do harm
    (.541). It is left out where the encoder could not take both.

    Args:
        cases: All cases.
        passages: Their passages.
        spans: For each passage, the runs that are encoded.
        encoder: Counts tokens.
    """
    source_of = {case.case_id: case.source.text for case in cases}
    return _keys(
        cases,
        [
            (passage, span.of(source_of[passage.case_id]))
            for passage, runs in zip(passages, spans, strict=True)
            for span in runs
        ],
        encoder,
    )


def _question_keys(
    cases: Sequence[Case],
    passages: Sequence[Passage],
    asked: Sequence[Sequence[str]],
    encoder: Encoder,
) -> list[str]:
    """Write out what is encoded for the questions: dense R@1 .549 with the district, .518 without.

    Raises:
        ExpansionsError: If a question alone is longer than the encoder takes: cut off in silence,
            it would stand for another.
    """
    most = encoder.identity.max_tokens
    source_of = {case.case_id: case.source.name for case in cases}
    pairs = [
        (passage, question)
        for passage, questions in zip(passages, asked, strict=True)
        for question in questions
    ]
    for passage, question in pairs:
        if (tokens := encoder.count_tokens(question)) > most:
            message = (
                f"{source_of[passage.case_id]}：预设问法“{question[:_SHOWN]}……”有 {tokens} 个词元，"
                f"编码器最多接受 {most} 个；请改短"
            )
            raise ExpansionsError(message)
    return _keys(cases, pairs, encoder)


def _keys(
    cases: Sequence[Case], texts: Sequence[tuple[Passage, str]], encoder: Encoder
) -> list[str]:
    names = {case.case_id: "、".join(d.name for d in case.districts) for case in cases}
    keys: list[str] = []
    for passage, text in texts:
        districts = names[passage.case_id]
        plain = simplified(text)  # as questions are, and most of what encoders were trained on
        key = f"{districts} {plain}" if districts else plain
        fits = encoder.count_tokens(key) <= encoder.identity.max_tokens
        keys.append(key if fits else plain)
    return keys


def _passages(
    cases: Sequence[Case], encoder: Encoder, recipe: Recipe, on_progress: Progress
) -> list[Passage]:
    fitting = min(recipe.cut.max_tokens, encoder.identity.max_tokens)
    cut = replace(recipe.cut, max_tokens=fitting)

    def count(text: str) -> int:  # as it will be encoded
        return encoder.count_tokens(simplified(text))

    passages: list[Passage] = []
    for done, case in enumerate(cases, start=1):
        passages.extend(passages_of(case, count, cut))
        on_progress("切分案例", done, len(cases))
    return passages
