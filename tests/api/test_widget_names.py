"""Shorter names: which are sure to be no properties, and that nothing else changes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from api.widget_bundle import readable_script
from api.widget_names import renamed, shortened


@pytest.mark.parametrize(
    "script",
    [
        "const sum=1;say(it.sum);",
        "const sum=1;say({sum});",
        "const sum=1;say({left,sum,right});",
        "const sum=1;say({sum:2});",
        "const{sum}=it;",
        "const open=1;",
        "const of=1;",
        "say(sum);",
        'say("const sum");',
        "say(/const sum/);",
        "say(`const sum`);",
    ],
    ids=str,
)
def test_a_name_that_may_be_a_property_or_somebody_else_s_stays(script: str) -> None:
    assert renamed(script) == {}
    assert shortened(script) == re.sub("^const", "let", script)


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("const sum=1;say(sum,[...sum]);", "let a=1;say(a,[...a]);"),
        ("function later(){}later();", "function a(){}a();"),
        ("class Failure extends Error{}", "class a extends Error{}"),
        ("each((item)=>item+1);", "each((a)=>a+1);"),
        ("const a=1;const sum=a;", "let a=1;let b=a;"),
        ("const sum=1;say(`sum ${sum} ${it.sums}`);", "let a=1;say(`sum ${a} ${it.sums}`);"),
        (
            'const sum=1;say(`${words("sum",sum)}`,"sum");',
            'let a=1;say(`${words("sum",a)}`,"sum");',
        ),
        (
            "const sum=1;return/^sum?$/.test(sum)?a:/sum/;",
            "let b=1;return/^sum?$/.test(b)?a:/sum/;",
        ),
        ("const sum=1;const half=sum/2/sum;", "let a=1;let b=a/2/a;"),
    ],
)
def test_a_name_that_is_surely_none_is_shortened_everywhere(written: str, served: str) -> None:
    assert shortened(written) == served


def test_the_script_means_the_same() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH; the browser tests run the script as well")
    # Functions without the page they need: the strings, filled in.
    script = 'const words=(left)=>(right)=>`${left} ${right+"left"}`;const both=[1,2].map(words("left"));'
    out = [
        subprocess.run(
            [node, "-e", f"{code}console.log(JSON.stringify({name}))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for code, name in ((script, "both"), (shortened(script), renamed(script)["both"]))
    ]
    assert out[0] == out[1] == json.dumps(["left 1left", "left 2left"]).replace(", ", ",") + "\n"


def test_what_is_new_occurs_nowhere_else() -> None:
    names = renamed(readable_script())
    assert len(names) == len(set(names.values())) > 100
    assert shortened(readable_script()) != readable_script()
