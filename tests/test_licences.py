"""Licences of everything that is installed with Casebook: none that asks anything of who runs it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent

PERMISSIVE = re.compile(
    r"\b(MIT|MIT-0|BSD|0BSD|Apache|ISC|PSF|Zlib|CC0|BSL-1\.0|CNRI-Python|MPL)\b", re.IGNORECASE
)
"""MPL-2.0 asks for changes to its own files alone, and nothing here changes them."""
COPYLEFT = re.compile(
    r"\b[AL]?GPL|GNU|SSPL|Business Source|Elastic License|Commons Clause|Non-?Commercial|EUPL",
    re.IGNORECASE,
)


def installed() -> dict[str, Distribution]:
    """What Casebook needs to run and to build, and what that needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [Requirement(line) for line in project["dependencies"]]
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    while wanted:
        one = wanted.pop()
        if str(one) in seen:
            continue
        seen.add(str(one))
        found[one.name.lower()] = known = distribution(one.name)
        for line in known.requires or ():
            needed = Requirement(line)
            extras = one.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                wanted.append(needed)
    return found


def licence_of(known: Distribution) -> str:
    """What a distribution says of its licence; the whole text of one counts by its first line."""
    said = known.metadata
    trove = [line for line in said.get_all("Classifier", []) if line.startswith("License ::")]
    text = (said.get("License") or "").strip().partition("\n")[0]
    return said.get("License-Expression") or " / ".join(trove) or text


def test_every_distribution_has_a_licence_that_a_government_may_use() -> None:
    licences = {name: licence_of(known) for name, known in installed().items()}

    assert len(licences) > 60
    assert {name: said for name, said in licences.items() if COPYLEFT.search(said)} == {}
    assert {name: said for name, said in licences.items() if not PERMISSIVE.search(said)} == {}


@pytest.mark.parametrize(
    "said", ["GPL-3.0-or-later", "LGPL-2.1", "License :: OSI Approved :: GNU Affero", "AGPL-3.0"]
)
def test_a_licence_that_asks_for_more_would_be_seen(said: str) -> None:
    assert COPYLEFT.search(said)
