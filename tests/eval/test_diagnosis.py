"""Where evidence was lost, case by case."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.diagnosis import Sighting, Trail, ceilings_of, miss_of
from eval.measures import by_evidence
from eval.questions import Mode
from eval.result import Ceiling, Miss, Ranked


def sighting(**changes: object) -> Sighting:
    seen: dict[str, object] = {"relevant": 1, "dense": (), "lexical": (), "reached": (0, 0)}
    return Sighting(**(seen | changes))  # type: ignore[arg-type]


def trail(dense: int | None, lexical: int | None, fused: int | None, **changes: object) -> Trail:
    """A trail through a system that does not rerank."""
    return replace(Trail(dense, lexical, fused, fused), **changes)  # type: ignore[arg-type]


def ranking(*units: str) -> tuple[Ranked, ...]:
    return tuple(Ranked(unit, 1.0 / rank) for rank, unit in enumerate(units, start=1))


NOWHERE = trail(None, None, None)


@pytest.mark.parametrize("rank", [1, 10])
def test_a_question_whose_evidence_is_in_the_top_10_is_no_miss(rank: int) -> None:
    found = trail(None, None, rank)
    assert miss_of([found], "any") is None
    assert miss_of([NOWHERE, found], "any") is None
    assert miss_of([found, found], "all") is None
    assert miss_of([], "all") is None


@pytest.mark.parametrize(
    ("seen", "miss"),
    [
        (trail(3, 4, None, indexed=False, readable=False), Miss("not_indexed", 3, 4, None)),
        (trail(None, None, None, readable=False), Miss("cut", None, None, None)),
        (trail(3, 11, None), Miss("dense_only", 3, 11, None)),
        (trail(11, 10, None), Miss("lexical_only", 11, 10, None)),
        (trail(2, 9, 11), Miss("lost_in_fusion", 2, 9, 11)),
        (trail(11, 12, None), Miss("unfound", 11, 12, None)),
        (NOWHERE, Miss("unfound", None, None, None)),
        (trail(12, None, 12), Miss("unfound", 12, None, 12)),
    ],
)
@pytest.mark.parametrize("mode", get_args(Mode))
def test_every_miss_has_its_class_and_its_ranks(seen: Trail, miss: Miss, mode: Mode) -> None:
    assert miss_of([seen], mode) == miss


def test_evidence_that_the_reranker_puts_below_the_top_10_is_demoted() -> None:
    assert miss_of([Trail(3, None, 10, 11)], "any") == Miss("demoted", 3, None, 10)
    assert miss_of([Trail(None, None, 1, None)], "any") == Miss("demoted", None, None, 1)


def test_evidence_that_the_reranker_brings_up_is_no_miss() -> None:
    assert miss_of([Trail(15, 16, 14, 10)], "any") is None


def test_a_cut_quote_is_not_called_demoted() -> None:
    seen = Trail(None, None, 2, None, readable=False)
    assert miss_of([seen], "any") == Miss("cut", None, None, 2)


def test_what_was_below_the_top_10_before_reranking_is_classed_as_without() -> None:
    assert miss_of([Trail(2, 9, 11, 20)], "any") == Miss("lost_in_fusion", 2, 9, 11)


def test_where_all_quotes_are_needed_one_that_is_missing_is_a_miss() -> None:
    found, late = trail(1, 1, 1), trail(2, 9, 11)
    assert miss_of([found, late], "all") == Miss("lost_in_fusion", 2, 9, 11)
    assert miss_of([found, late], "any") is None


def test_the_class_is_that_of_the_quote_that_is_hardest_to_mend() -> None:
    trails = [
        Trail(1, 1, 5, 11),
        trail(2, 9, 11),
        trail(3, None, None),
        trail(None, 4, None),
        trail(15, None, None),
        trail(16, None, None),
        trail(17, None, None, readable=False),
        trail(18, None, None, indexed=False, readable=False),
    ]
    found = []
    while trails:
        miss = miss_of(trails, "any")
        assert miss is not None
        found.append((miss.kind, miss.dense))
        trails.remove(next(trail for trail in trails if trail.dense == miss.dense))
    assert found == [
        ("not_indexed", 18),
        ("cut", 17),
        ("unfound", 15),
        ("unfound", 16),
        ("lexical_only", None),
        ("dense_only", 3),
        ("lost_in_fusion", 2),
        ("demoted", 1),
    ]


places = st.none() | st.integers(1, 20)


@given(
    st.lists(st.builds(Trail, places, places, places, places), min_size=1),
    st.sampled_from(["any", "all"]),
)
def test_a_question_is_a_miss_exactly_where_hit_at_10_is_0(trails: list[Trail], mode: Mode) -> None:
    values = by_evidence({"q": tuple(trail.final for trail in trails)}, {"q": mode})
    assert (miss_of(trails, mode) is not None) == (values["hit@10"]["q"] == 0)


def test_relevant_units_are_looked_up_in_both_rankings() -> None:
    seen = Sighting.of({"b", "d", "x"}, ranking("a", "b"), ranking("d", "b", "c"))
    assert seen == Sighting(3, (2,), (1, 2), (2, 2))


def test_what_either_reaches_is_counted_within_each_cutoff() -> None:
    far = ranking(*(f"n{i}" for i in range(10)), "b")
    assert Sighting.of({"b", "d"}, far, ranking("d")).reached == (1, 2)


def test_a_system_of_one_kind_has_no_ranks_of_the_other() -> None:
    assert Sighting.of({"a"}, None, ranking("a")) == Sighting(1, None, (1,), (1, 1))


def test_ceilings_average_the_share_of_evidence_that_each_stage_brings_up() -> None:
    seen = [
        sighting(relevant=2, dense=(1, 60), lexical=(11,), reached=(1, 2)),
        sighting(relevant=0),
        sighting(dense=(), lexical=(3,), reached=(1, 1)),
        sighting(dense=(101,), lexical=()),
    ]
    assert ceilings_of(seen) == (
        Ceiling("dense@10", 0.125),
        Ceiling("lexical@10", 0.25),
        Ceiling("either@10", 0.375),
        Ceiling("dense@100", 0.25),
        Ceiling("lexical@100", 0.375),
        Ceiling("either@100", 0.5),
    )


def test_a_system_of_one_kind_has_its_ceilings_alone() -> None:
    seen = [sighting(dense=None, lexical=(1,), reached=(1, 1))]
    assert ceilings_of(seen) == (Ceiling("lexical@10", 1.0), Ceiling("lexical@100", 1.0))


def test_a_system_that_reranks_has_the_ceilings_of_its_fused_ranking() -> None:
    relevant = {"n9", "n10", "n19", "n20"}
    fused = ranking(*(f"n{i}" for i in range(30)))
    seen = Sighting.of(relevant, None, ranking("n9"), fused)
    assert seen.fused == (10, 11, 20, 21)
    assert ceilings_of([seen, sighting(dense=None, fused=())]) == (
        Ceiling("lexical@10", 0.125),
        Ceiling("lexical@100", 0.125),
        Ceiling("fused@10", 0.125),
        Ceiling("fused@20", 0.375),
    )


def test_a_system_that_reranks_only_some_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ceilings_of([sighting(fused=()), sighting()])


def test_no_questions_have_no_ceilings() -> None:
    assert ceilings_of([]) == ()


def test_a_stage_that_ranked_for_some_questions_only_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ceilings_of([sighting(), sighting(dense=None)])


units = st.permutations([str(i) for i in range(120)]).map(lambda p: ranking(*p[:110]))


@given(dense=units, lexical=units, relevant=st.sets(st.integers(0, 130).map(str), min_size=1))
def test_either_is_never_below_the_better_and_never_above_the_sum(
    dense: tuple[Ranked, ...], lexical: tuple[Ranked, ...], relevant: set[str]
) -> None:
    seen = Sighting.of(relevant, dense, lexical)
    at = {ceiling.name: ceiling.recall for ceiling in ceilings_of([seen])}
    for k in (10, 100):
        one, other, either = (at[f"{name}@{k}"] for name in ("dense", "lexical", "either"))
        assert max(one, other) <= either <= min(1, one + other) + 1e-9
        assert one == len({r.unit_id for r in dense[:k]} & relevant) / len(relevant)
