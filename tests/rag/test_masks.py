"""Masks against asking every case, one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.cases import read_cases
from rag.filters import NO_FILTERS, Filters
from rag.masks import Masks
from rag.source import decode
from rag.types import Case

_ENTRY = "\n排名1\n{title}\n\n{district}推出办法。\n"
CASES = read_cases(
    decode(
        f"{year}年{kind}.txt",
        f"{year}年{kind}\n".encode()
        + "".join(
            _ENTRY.format(title=f"办事{n % 3}", district=("静安区", "嘉定区", "本地")[n % 3])
            for n in range(4)
        ).encode(),
    )
    for year in (2021, 2022)
    for kind in ("优秀案例", "良好实践")
)


def one_by_one(cases: tuple[Case, ...], filters: Filters) -> list[bool]:
    passing: set[str] = set()
    allowed = []
    for case in cases:
        text = case.duplicate_of or case.case_id
        allowed.append(text not in passing and filters.allow(case))
        if allowed[-1]:
            passing.add(text)
    return allowed


some = st.builds(
    Filters,
    districts=st.lists(st.sampled_from(["静安", "嘉定区", "徐汇区"]), max_size=2).map(tuple),
    collections=st.lists(st.sampled_from(["优秀", "实践", "别的"]), max_size=2).map(tuple),
    years=st.lists(st.sampled_from([2021, 2022, 2023]), max_size=2).map(tuple),
    case_ids=st.frozensets(
        st.sampled_from([*(case.case_id for case in CASES), "没有"]), max_size=5
    ),
)


@settings(deadline=None)  # a busy machine
@given(filters=some, owners=st.lists(st.integers(0, len(CASES) - 1), max_size=30))
def test_a_mask_allows_what_asking_every_case_allows(filters: Filters, owners: list[int]) -> None:
    assert any(case.duplicate_of for case in CASES)
    masks = Masks(CASES, np.array(owners, dtype=np.int64))
    reference = one_by_one(CASES, filters)
    assert masks.of(filters).tolist() == [reference[owner] for owner in owners]
    assert masks.of().tolist() == [one_by_one(CASES, NO_FILTERS)[owner] for owner in owners]


def test_of_equal_cases_the_first_that_passes_stands_for_all() -> None:
    copy = next(case for case in CASES if case.duplicate_of)
    masks = Masks(CASES, np.arange(len(CASES)))
    assert not masks.of()[CASES.index(copy)]
    alone = masks.of(Filters(case_ids=(copy.case_id,)))
    assert np.flatnonzero(alone).tolist() == [CASES.index(copy)]


def test_districts_in_another_order_are_the_same_to_a_filter() -> None:
    first = next(case for case in CASES if case.districts)
    other = replace(first, case_id="x", districts=first.districts[::-1])
    masks = Masks((first, other), np.arange(2))
    assert masks.of(Filters(districts=(first.districts[0].name,))).tolist() == [True, True]
