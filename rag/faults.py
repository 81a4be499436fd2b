"""What in a sentence must stand in its source as it is: numbers, names, titles, quotations, districts.

`rag.derivation` asks for more than this. It is asked first because it says what is wrong, and asked
at all because two rules that know nothing of each other do not fail together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from rag.named_districts import DistrictNames
from rag.quoted_runs import quoted_runs
from rag.symbols import symbols_of

Fault = Literal[
    "form", "uncited", "unknown_id", "number", "word", "quote", "name", "district", "unsupported"
]
"""Why a sentence is not shown as a model wrote it."""

_TITLE = re.compile(r"《([^《》]+)》")
_NAME = re.compile(
    r"(?=([㐀-鿿]{2,6}(?:税务局|监管局|委员会|办公室|办事处|管委会|服务站|政府|法院|检察院|公司|集团|银行|学校|医院|协会"
    r"|中心|平台|系统|基金|大学|街道|[局委办厅署镇乡])))"
)
"""From every place where one may begin: Chinese has no spaces, so each run that ends so is looked up."""


def fault_in(
    sentence: str, sources: Sequence[str], districts: Sequence[str], names: DistrictNames
) -> Fault | None:
    """Look for what a sentence says that its sources do not.

    Args:
        sentence: Without citation marks.
        sources: What the cited passages say, with their titles and headings.
        districts: Official names of those whose cases the passages are of.
        names: The districts that can be named here.

    Returns:
        The first thing that is wrong; None if nothing is.

    >>> from rag.named_districts import district_names
    >>> names = district_names(["静安区", "嘉定区"])
    >>> fault_in("静安三日到账", ["三日到账"], ["静安区"], names)
    >>> fault_in("嘉定五日到账", ["三日到账"], ["静安区"], names)
    'number'
    >>> fault_in("嘉定三日到账", ["三日到账"], ["静安区"], names)
    'district'
    """
    there = [symbol.text for source in sources for symbol in symbols_of(source)]
    held = frozenset(there)
    for symbol in symbols_of(sentence):
        if symbol.text not in held and (symbol.text[0] == "#" or symbol.text.isascii()):
            return "number" if symbol.text[0] == "#" else "word"
    wording = "".join(there)
    quoted = [run.text for run in quoted_runs(sentence)]
    if any(_spelt(one) not in wording for one in (*quoted, *_TITLE.findall(sentence))):
        return "quote"
    if not set(names.read(sentence).districts) <= set(districts):
        return "district"
    spoken = wording + "".join(map(_spelt, districts))
    if any(_spelt(match.group(1)) not in spoken for match in _NAME.finditer(sentence)):
        return "name"
    return None


def _spelt(text: str) -> str:
    return "".join(symbol.text for symbol in symbols_of(text))
