"""An answer against its reference, on a collection of three passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eval.workbench
from eval.answers import AnswerScores, contains, score
from eval.dataset import Dataset
from eval.questions import Question
from eval.reference import Reference, references_of
from eval.systems import System
from eval.workbench import Built, Workbench
from rag.answer import Answer, AnswerSentence
from rag.assistant import Finding, Findings
from rag.cite import cite
from rag.source import read
from rag.types import Hit, Passage, Span

FAST = "静安区税务局推出智能退税，三日到账。"
NO_COUNTER = "企业不再跑窗口。"
MANY = "静安区退税提速，退税企业两千户。"
HELPERS = "嘉定区设立帮办站，帮办员现场服务。"
TIMES = "帮办六千次，群众少跑腿。"

ONE = Question("Q1", "fact", "静安退税几天到账？", ("三日到账",), "any", "静安区，3天")
ANY = Question("Q2", "fact", "退税怎样？", ("三日到账", "两千户"), "any")
ALL = Question("Q3", "multi", "哪些区提速？", ("三日到账", "帮办员现场服务", "六千次"), "all")
ACROSS = Question("Q4", "fact", "还要跑窗口吗？", ("三日到账。企业不再跑窗口",), "any")
NONE = Question("Q5", "none", "嘉定的红烧肉怎么做？", (), "any", "99度")


class Tiny:
    """The collection, built, and answers made of its sentences."""

    def __init__(self, bench: Workbench, built: Built) -> None:
        located = list(zip(bench.evidence, built.holders, strict=True))
        made = references_of(bench.dataset.questions, located, built.cases)
        self.references = {one.question.question_id: one for one in made}
        self.texts = {source.name: source.text for source in bench.dataset.sources}
        self.built = built

    def finding(self, sentence: str) -> Finding:
        (passage,) = (p for p in self.built.assembly.content.passages if sentence in p.text)
        near = (0.0,) * len(passage.sentences)
        hit = Hit(passage, 0.5, 0.5, 0.5, 0.0, 0.0, near)
        citation = cite(self.built.cases[passage.case_id], passage)
        return Finding(hit, citation, elsewhere=False, question="")

    def answer(self, *sentences: str, named: Sequence[str] = ()) -> Answer:
        """Say sentences of the collection, each with its citation."""
        evidence: dict[str, Finding] = {}
        for text in sentences:
            found = self.finding(text)
            evidence.setdefault(found.hit.passage.passage_id, found)
        numbers = {passage_id: number for number, passage_id in enumerate(evidence, start=1)}
        said = []
        for text in sentences:
            passage: Passage = self.finding(text).hit.passage
            start = passage.span.start + passage.text.index(text)
            place = Span(start, start + len(text))
            said.append(AnswerSentence(text, (numbers[passage.passage_id],), place))
        findings = Findings("", "v1", tuple(evidence.values()), 0.9, None, tuple(named))
        return Answer(findings, tuple(evidence.values()), tuple(said), "", None, "extractive")

    def worded(self, text: str, *sources: str) -> Answer:
        """Say a sentence of one's own, with the passages of some sentences as its citations."""
        answer = self.answer(*sources)
        numbers = tuple(range(1, len(answer.evidence) + 1))
        return replace(answer, sentences=(AnswerSentence(text, numbers, None),), mode="llm")

    def refusal(self) -> Answer:
        findings = Findings("", "v1", (), 0.1, "low_confidence", ())
        return Answer(findings, (), (), "没有找到。", "low_confidence", "extractive")

    def score(self, question: Question, answer: Answer) -> AnswerScores:
        return score(answer, self.references[question.question_id], self.texts)


@pytest.fixture
def made(tmp_path: Path, collection: Path, encoder, monkeypatch) -> Tiny:
    monkeypatch.setattr(eval.workbench, "load_encoder", lambda _name, _models: encoder)
    sources = read([collection]).sources
    dataset = Dataset("小集", (ONE, ANY, ALL, ACROSS, NONE), sources, {}, "d" * 64)
    with Workbench(dataset, tmp_path, tmp_path / "v.sqlite", lambda *_: None) as bench:
        return Tiny(bench, bench.build(System("hybrid", expansions=False)))


def test_an_answer_that_says_what_was_asked_is_right_in_everything(made: Tiny) -> None:
    assert made.score(ONE, made.answer(FAST)) == AnswerScores(
        question_id="Q1",
        need="one",
        reason=None,
        sentences=1,
        characters=18,
        supported=1,
        citations=1,
        holding=1,
        touching=1,
        cited=1.0,
        contained=1.0,
        facts=0.5,  # the district; the source writes 三, the reference 3
        elsewhere=0,
        beside=0,
    )


def test_the_right_passage_with_the_wrong_sentence_is_cited_but_not_contained(made: Tiny) -> None:
    scores = made.score(ONE, made.answer(NO_COUNTER))
    assert (scores.cited, scores.contained) == (1.0, 0.0)
    assert (scores.holding, scores.citations) == (1, 1)
    assert (scores.touching, scores.sentences) == (0, 1)


def test_citations_of_another_district_than_named_or_than_the_evidence_are_counted(
    made: Tiny,
) -> None:
    scores = made.score(ONE, made.answer(FAST, HELPERS, TIMES))
    assert (scores.elsewhere, scores.beside, scores.citations) == (1, 1, 2)
    assert (scores.holding, scores.touching, scores.sentences) == (1, 1, 3)
    scores = made.score(ANY, made.answer(FAST, HELPERS))
    assert (scores.elsewhere, scores.beside) == (None, 1)


def test_the_answerers_own_reading_of_districts_counts_too(made: Tiny) -> None:
    assert made.score(ANY, made.answer(FAST, named=["嘉定区"])).elsewhere == 1


def test_where_any_quote_answers_one_is_enough(made: Tiny) -> None:
    scores = made.score(ANY, made.answer(MANY))
    assert (scores.need, scores.cited, scores.contained) == ("any", 1.0, 1.0)
    scores = made.score(ANY, made.answer(HELPERS))
    assert (scores.cited, scores.contained) == (0.0, 0.0)


def test_where_all_quotes_are_needed_their_share_counts(made: Tiny) -> None:
    scores = made.score(ALL, made.answer(HELPERS))
    assert (scores.need, scores.cited, scores.contained) == (
        "all",
        pytest.approx(2 / 3),
        pytest.approx(1 / 3),
    )
    scores = made.score(ALL, made.answer(HELPERS, TIMES, FAST))
    assert (scores.cited, scores.contained) == (1.0, 1.0)


def test_a_quote_may_run_over_two_sentences_that_are_both_shown(made: Tiny) -> None:
    assert made.score(ACROSS, made.answer(FAST)).contained == 0.0
    assert made.score(ACROSS, made.answer(FAST, NO_COUNTER)).contained == 1.0
    assert made.score(ACROSS, made.answer(NO_COUNTER, FAST)).contained == 1.0


def test_a_refusal_of_an_answerable_question_misses_everything_and_cites_nothing(
    made: Tiny,
) -> None:
    scores = made.score(ONE, made.refusal())
    assert (scores.answerable, scores.refused, scores.reason) == (True, True, "low_confidence")
    assert (scores.cited, scores.contained, scores.facts) == (0.0, 0.0, 0.0)
    assert (scores.sentences, scores.citations, scores.supported) == (0, 0, 0)


def test_what_cannot_be_known_of_an_unanswerable_question_is_absent(made: Tiny) -> None:
    scores = made.score(NONE, made.answer(FAST))
    assert (scores.answerable, scores.need) == (False, None)
    assert (scores.cited, scores.contained, scores.facts, scores.beside) == (None,) * 4
    assert (scores.supported, scores.elsewhere) == (1, 1)


def test_a_sentence_is_supported_only_word_for_word_and_within_its_passage(made: Tiny) -> None:
    right = made.answer(FAST, HELPERS)
    first, second = right.sentences
    assert first.place is not None
    for wrong in (
        replace(first, text=FAST.replace("三", "五")),
        replace(first, place=Span(first.place.start + 1, first.place.end + 1)),
        replace(first, citations=second.citations),
    ):
        answer = replace(right, sentences=(wrong, second))
        assert made.score(ONE, answer).supported == 1


def test_a_worded_sentence_is_judged_by_the_checker_with_all_it_cites(made: Tiny) -> None:
    answer = made.worded("静安三日到账，嘉定有帮办员现场服务。", FAST, HELPERS)
    heard: list[tuple[str, int]] = []

    def supports(sentence: AnswerSentence, cited: Sequence[Finding]) -> bool:
        heard.append((sentence.text, len(cited)))
        return False

    scores = score(answer, made.references["Q3"], made.texts, supports)
    assert heard == [("静安三日到账，嘉定有帮办员现场服务。", 2)]
    assert (scores.supported, scores.sentences, scores.touching) == (0, 1, None)
    assert (scores.cited, scores.contained) == (1.0, pytest.approx(2 / 3))


def test_a_worded_sentence_without_a_checker_is_an_error(made: Tiny) -> None:
    with pytest.raises(ValueError, match="needs a checker"):
        made.score(ONE, made.worded("三日到账。", FAST))


def test_a_sentence_that_cites_nothing_is_an_error(made: Tiny) -> None:
    answer = made.answer(FAST)
    bare = replace(answer, sentences=(replace(answer.sentences[0], citations=()),))
    with pytest.raises(ValueError, match="without a citation"):
        made.score(ONE, bare)


def test_references_know_what_a_question_names_and_where_its_evidence_stands(made: Tiny) -> None:
    one, everything, none = (made.references[key] for key in ("Q1", "Q3", "Q5"))
    assert (one.named, one.districts) == (("静安区",), {"静安区"})
    assert (everything.named, everything.districts) == ((), {"静安区", "嘉定区"})
    assert (none.named, none.districts, none.evidence) == (("嘉定区",), set(), ())
    assert len(none.facts) == 0


@pytest.mark.parametrize("question", [ONE, ANY, ALL, ACROSS])
def test_more_sentences_never_contain_less(made: Tiny, question: Question) -> None:
    reference: Reference = made.references[question.question_id]

    @settings(max_examples=25, deadline=None)
    @given(st.permutations([FAST, NO_COUNTER, MANY, HELPERS, TIMES]), st.integers(1, 4))
    def holds(order: list[str], count: int) -> None:
        fewer, more = made.answer(*order[:count]), made.answer(*order[: count + 1])
        for piece in reference.evidence:
            assert contains(more, piece, made.texts) >= contains(fewer, piece, made.texts)
        everything = made.score(question, made.answer(*order))
        assert (everything.contained, everything.cited) == (1.0, 1.0)
        assert everything.supported == everything.sentences == 5

    holds()
