"""Where evidence was lost, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.diagnosis import Sighting, ceilings_of, miss_of
from eval.result import Ceiling, Miss, Ranked


def sighting(**changes: object) -> Sighting:
    seen: dict[str, object] = {
        "relevant": 1,
        "dense": (),
        "lexical": (),
        "fused": (),
        "reached": (0, 0),
        "indexed": True,
    }
    return Sighting(**(seen | changes))  # type: ignore[arg-type]


def ranking(*units: str) -> tuple[Ranked, ...]:
    return tuple(Ranked(unit, 1.0 / rank) for rank, unit in enumerate(units, start=1))


@pytest.mark.parametrize("first", [1, 10])
def test_a_question_with_evidence_in_the_top_10_is_no_miss(first: int) -> None:
    assert miss_of(sighting(fused=(40, first))) is None


@pytest.mark.parametrize(
    ("seen", "miss"),
    [
        ({"indexed": False, "relevant": 0}, Miss("not_indexed", None, None, None)),
        ({"relevant": 0}, Miss("cut", None, None, None)),
        ({"dense": (3, 10), "lexical": (11,)}, Miss("dense_only", 3, 11, None)),
        ({"dense": (11,), "lexical": (10,)}, Miss("lexical_only", 11, 10, None)),
        ({"dense": (2,), "lexical": (9,), "fused": (11,)}, Miss("lost_in_fusion", 2, 9, 11)),
        ({"dense": (11,), "lexical": (50, 12)}, Miss("unfound", 11, 12, None)),
        ({}, Miss("unfound", None, None, None)),
        ({"lexical": None, "dense": (12,), "fused": (12,)}, Miss("unfound", 12, None, 12)),
        ({"dense": None, "lexical": (12,), "fused": (12,)}, Miss("unfound", None, 12, 12)),
    ],
)
def test_every_miss_has_its_class_and_its_ranks(seen: dict[str, object], miss: Miss) -> None:
    assert miss_of(sighting(**seen)) == miss


def test_relevant_units_are_looked_up_in_every_ranking() -> None:
    seen = Sighting.of(
        relevant={"b", "d", "x"},
        dense=ranking("a", "b"),
        lexical=ranking("d", "b", "c"),
        fused=ranking("c", "d", "a", "b"),
        indexed=True,
    )
    assert seen == Sighting(3, (2,), (1, 2), (2, 4), (2, 2), indexed=True)


def test_what_either_reaches_is_counted_within_each_cutoff() -> None:
    far = ranking(*(f"n{i}" for i in range(10)), "b")
    seen = Sighting.of(
        relevant={"b", "d"}, dense=far, lexical=ranking("d"), fused=far, indexed=True
    )
    assert seen.reached == (1, 2)


def test_a_system_of_one_kind_has_no_ranks_of_the_other() -> None:
    one = ranking("a")
    seen = Sighting.of(relevant={"a"}, dense=None, lexical=one, fused=one, indexed=True)
    assert (seen.dense, seen.lexical, seen.reached) == (None, (1,), (1, 1))


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
    seen = Sighting.of(relevant=relevant, dense=dense, lexical=lexical, fused=dense, indexed=True)
    at = {ceiling.name: ceiling.recall for ceiling in ceilings_of([seen])}
    for k in (10, 100):
        one, other, either = (at[f"{name}@{k}"] for name in ("dense", "lexical", "either"))
        assert max(one, other) <= either <= min(1, one + other) + 1e-9
        assert one == len({r.unit_id for r in dense[:k]} & relevant) / len(relevant)
