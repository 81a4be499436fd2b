"""Whether a question is answered case by case: ``哪些区……``, ``比较静安和嘉定``.

The answer to such a question is one line for each, not the few sentences that fit best, which may
all be of one.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_SEVERAL = 2
_EACH = re.compile(
    r"(?:哪些|哪几|各|多少)个?[^，。？,?]{0,4}?"
    r"(?:区|县|市|地方|地区|街道|街镇|单位|部门|法院|团队|案例|例子)"
)


def asks_for_several(question: str, named: Collection[str]) -> bool:
    """Tell whether a question asks for several cases.

    Args:
        question: As typed.
        named: The districts that it names: two or more are compared; with one, whatever else it
            asks for several of (``静安有哪些街道``) is of that one.

    >>> asks_for_several("哪些区的法院能网上办案？", []), asks_for_several("静安和嘉定谁快？", ["静安区", "嘉定区"])
    (True, True)
    >>> asks_for_several("退税几天到账？", []), asks_for_several("静安在哪些地方设了点？", ["静安区"])
    (False, False)
    """
    return len(named) >= _SEVERAL or (not named and _EACH.search(question) is not None)
