"""A table of passages is a list of them."""

from __future__ import annotations

import pytest

from rag.passages import Passages
from rag.types import Case, Passage


@pytest.fixture
def table(cases: tuple[Case, ...], passages: tuple[Passage, ...]) -> Passages:
    return Passages.of(cases, passages)


def test_a_table_gives_back_what_it_was_made_of(table, passages) -> None:
    assert len(table) == len(passages) == 4
    assert tuple(table) == tuple(passages)
    assert [table[row] for row in range(-4, 4)] == [*passages, *passages]
    assert table[1:3] == tuple(passages[1:3])
    assert list(reversed(table)) == list(reversed(passages))
    with pytest.raises(IndexError):
        table[4]


def test_a_table_knows_owners_sentences_and_the_order_of_ids(table, cases, passages) -> None:
    assert [cases[row].case_id for row in table.owners] == [p.case_id for p in passages]
    assert table.counts.tolist() == [len(p.sentences) for p in passages]
    ids = [p.passage_id for p in passages]
    assert [sorted(ids)[place] for place in table.id_order] == ids


def test_tables_are_equal_by_their_passages(table, cases, passages) -> None:
    assert table == Passages.of(cases, passages)
    assert table != Passages.of(cases, passages[1:])
    assert table != passages


def test_an_empty_table_is_one(cases) -> None:
    empty = Passages.of(cases, [])
    assert (len(empty), tuple(empty), empty.counts.tolist()) == (0, (), [])
