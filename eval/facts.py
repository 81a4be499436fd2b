"""Reference answer -> the facts in it that can be looked for without understanding it.

Numbers, quoted names and districts: what a reader would copy, and what a wrong answer gets wrong.
Everything else in a reference answer is a paraphrase, which no comparison of characters can judge.
Numbers count as their digits, without ``万`` and units, and not by value as in `rag.numerals`: references
and sources word the rest of a number differently.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from eval.questions import squeeze
from rag.named_districts import DistrictNames
from rag.quoted_runs import quoted_runs
from rag.tokens import normalized, runs_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer must show to hold the reference answer's facts.

    Attributes:
        numbers: Its numbers in digits, thousands' commas left out, a percent sign kept.
        names: What it has in quotation marks, normalised, without white space.
        districts: Official names of the collection's districts that it names.
    """

    numbers: frozenset[str]
    names: frozenset[str]
    districts: frozenset[str]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.numbers) + len(self.names) + len(self.districts)

    def share_in(self, shown: str, districts: Collection[str]) -> float | None:
        """Tell how many of the facts an answer shows.

        A number must occur as a whole: ``20`` is not in ``2022``. Its unit is not compared, since
        references and sources word it differently. A district is shown by its name, by the stem of
        it, or by a citation of its case.

        Args:
            shown: The answer's words, without the numbers of its citations.
            districts: Official names of the districts that it cites.

        Returns:
            The share, in [0, 1]; None where the reference has no such facts.

        >>> facts = Facts(frozenset({"20", "98%"}), frozenset({"一网通办"}), frozenset({"静安区"}))
        >>> facts.share_in("2022年起在“一网 通办”办结，满意率９８％", ["静安区"])
        0.75
        """
        if not len(self):
            return None
        numbers = set(numbers_of(shown))
        words = squeeze(normalized(shown))
        held = len(self.numbers & numbers)
        held += sum(name in words for name in self.names)
        held += sum(name in districts or name in words for name in self.districts)
        return held / len(self)


def facts_of(reference: str, names: DistrictNames, own: Collection[str]) -> Facts:
    """Read the facts off a reference answer.

    Args:
        reference: The answer, as people wrote it; may be empty.
        names: Reads districts.
        own: Official names of the collection's districts; others are no facts.

    >>> from rag.named_districts import district_names
    >>> facts_of("静安：1,767户，“白名单”", district_names(["静安区"]), ["静安区"])
    Facts(numbers=frozenset({'1767'}), names=frozenset({'白名单'}), districts=frozenset({'静安区'}))
    """
    quoted = (squeeze(normalized(run.text)) for run in quoted_runs(reference))
    return Facts(
        frozenset(numbers_of(reference)),
        frozenset(quoted),
        frozenset(names.read(reference).districts) & frozenset(own),
    )


def numbers_of(text: str) -> list[str]:
    """List the numbers that are written in digits, in reading order.

    >>> numbers_of("６６２笔，20.47亿元，1,300余个，三日")
    ['662', '20.47', '1300']
    """
    return [run.replace(",", "") for run in runs_of(text) if run[0].isdecimal()]
