"""What findings add to what was retrieved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from rag.assistant import Assistant, Findings
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Retrieval
from rag.types import Case, Hit, Passage

Find = Callable[..., Findings]


@dataclass(frozen=True, slots=True)
class Everything:
    """Finds all passages in their order, whatever is asked."""

    passages: tuple[Passage, ...]
    named: tuple[str, ...]

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        hits = (Hit(p, 0.5, 0.5, 0.5, 0.0, 0.0, (0.5,) * len(p.sentences)) for p in self.passages)
        return Retrieval(tuple(hits), 0.5, None, named=self.named)


@pytest.fixture
def find(cases: tuple[Case, ...], passages: tuple[Passage, ...]) -> Find:
    """Find the four passages for a question that names these districts."""
    return lambda *named: Assistant(cases, Everything(passages, named), "v1").search("怎么办")


@pytest.mark.parametrize(
    ("named", "elsewhere"),
    [
        ((), [False, False, False, False]),
        (("嘉定区",), [True, False, False, False]),
        (("静安区", "嘉定区"), [False, False, False, False]),
        (("松江区",), [True, True, True, False]),
    ],
)
def test_a_finding_is_elsewhere_if_its_case_is_of_no_district_that_is_named(
    find: Find, named: tuple[str, ...], elsewhere: list[bool]
) -> None:
    findings = find(*named)
    assert [finding.citation.district for finding in findings.findings] == [
        "静安区",
        "嘉定区",
        "嘉定区",
        None,
    ]
    assert [finding.elsewhere for finding in findings.findings] == elsewhere
    assert findings.named == named


def test_findings_can_be_read_by_case(find: Find) -> None:
    findings = find()
    assert [(case.title, case.ranks) for case in findings.by_case] == [
        ("退税快办", (1,)),
        ("帮办代办", (2,)),
        ("帮办代办", (3,)),
        ("律师服务", (4,)),
    ]


def test_a_citation_that_is_kept_is_of_this_very_passage(
    cases: tuple[Case, ...], passages: tuple[Passage, ...]
) -> None:
    """Another text at the same place is checked like any other."""
    first = passages[0]
    changed = replace(first, text=first.text[::-1])
    assert hash(changed) == hash(first)
    found = Everything((first, first, changed), ())
    with pytest.raises(ValueError, match="is not the text at its place"):
        Assistant(cases, found, "v1").search("怎么办")
