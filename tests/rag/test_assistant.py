"""What findings add to what was retrieved."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from rag.assistant import Assistant, Findings
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.filters import NO_FILTERS, Filters
from rag.retrieve import Retrieval
from rag.source import decode
from rag.types import Hit, Passage

TEXT = """\
甲市2022年优化营商环境优秀案例

排名1
退税快办

静安区推出智能退税，企业三日到账。

排名2
帮办代办

嘉定区设立帮办站，帮办员现场服务。

排名3
律师服务

法律服务团为企业提供帮助，随叫随到。
"""


@dataclass(frozen=True, slots=True)
class Everything:
    """Finds all passages in their order, whatever is asked."""

    passages: tuple[Passage, ...]
    named: tuple[str, ...]

    def retrieve(self, question: str, *, limit: int, filters: Filters = NO_FILTERS) -> Retrieval:
        hits = (Hit(p, 0.5, 0.5, 0.5, 0.0, 0.0, p.sentences[0]) for p in self.passages)
        return Retrieval(tuple(hits), 0.5, None, named=self.named)


def found(*named: str) -> Findings:
    """Find the three passages of `TEXT` for a question that names these districts."""
    cases = read_cases([decode("甲市.txt", TEXT.encode())])
    passages = tuple(passage for case in cases for passage in passages_of(case, len))
    return Assistant(cases, Everything(passages, named), "v1").search("怎么办")


@pytest.mark.parametrize(
    ("named", "elsewhere"),
    [
        ((), [False, False, False]),
        (("嘉定区",), [True, False, False]),
        (("静安区", "嘉定区"), [False, False, False]),
        (("松江区",), [True, True, False]),
    ],
)
def test_a_finding_is_elsewhere_if_its_case_is_of_no_district_that_is_named(
    named: tuple[str, ...], elsewhere: list[bool]
) -> None:
    findings = found(*named)
    assert [finding.citation.district for finding in findings.findings] == [
        "静安区",
        "嘉定区",
        None,
    ]
    assert [finding.elsewhere for finding in findings.findings] == elsewhere
    assert findings.named == named


def test_findings_can_be_read_by_case() -> None:
    findings = found()
    assert [(case.title, case.ranks) for case in findings.by_case] == [
        ("退税快办", (1,)),
        ("帮办代办", (2,)),
        ("律师服务", (3,)),
    ]
