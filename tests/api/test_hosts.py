"""Names that are answered to; above all those that a page on the web makes up (DNS rebinding)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from api.hosts import HostNameError, HostNames, KnownHosts

OURS = HostNames.of(["Cases.Example", "*.gov.example", "x:81", "政务.example", "10.9.8.7"])
LOOPBACK = ["localhost", "LOCALHOST:8000", "localhost.", "127.0.0.1:1", "[::1]", "[::1]:8000"]


@pytest.mark.parametrize(
    "host",
    [
        *LOOPBACK,
        "cases.example",
        "CASES.EXAMPLE:8443",
        "cases.example.",
        "a.gov.example",
        "a.b.gov.example:80",
        "x:81",
        "xn--zfr164b.example",
        "10.9.8.7:8000",
    ],
)
def test_our_names_are_answered_to(host: str) -> None:
    assert OURS.allow(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "cases.example.evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "evilcases.example",
        "sub.cases.example",
        "gov.example",
        "evilgov.example",
        "x",
        "x:82",
        "10.9.8.8",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",  # noqa: S104 - what must be refused
        "[::ffff:127.0.0.1]",
        "[::1",
        "[::1]evil.example",
        "cases.example:",
        "cases.example:80:80",
        "cases.example:123456",
        "cases.example@evil.example",
        "evil.example/cases.example",
        "evil.example#cases.example",
        "evil.example?cases.example",
        "evil.example\\cases.example",
        "cases.example evil.example",
        "cases.example,evil.example",
        "cases.example\n",
    ],
)
def test_no_other_name_is_whatever_it_looks_like(host: str) -> None:
    assert not OURS.allow(host)


def test_an_address_is_answered_to_where_the_service_is_on_the_network() -> None:
    # No page can make a browser take one address for another, so none of them is a rebound name.
    public = HostNames.of([], addresses=True)

    assert [public.allow(host) for host in ("10.1.2.3:8000", "[fd00::1]", "10.1.2.3.nip.io")] == [
        True,
        True,
        False,
    ]


@given(st.text(max_size=40) | st.sampled_from([*LOOPBACK, "1.localhost"]))
def test_without_a_list_only_the_machine_itself_has_names(host: str) -> None:
    name = re.sub(r":[0-9]{1,5}$", "", host.lower())

    assert not HostNames().allow(host) or name.removesuffix(".") in {
        "localhost",
        "127.0.0.1",
        "[::1]",
    }


@given(st.sampled_from(LOOPBACK), st.text(min_size=1, max_size=5), st.booleans())
def test_nothing_can_be_added_to_a_name_of_ours(name: str, more: str, before: bool) -> None:  # noqa: FBT001
    host = f"{more}{name}" if before else f"{name}{more}"

    assert not HostNames().allow(host) or host.removeprefix(name).strip(".:0123456789") == ""


@pytest.mark.parametrize(
    ("public_url", "host"),
    [
        ("https://portal.example/casebook", "portal.example"),
        ("https://portal.example:8443/casebook", "portal.example"),
        ("http://[fd00::1]:8000", "[fd00::1]:8000"),
        ("http://user@portal.example", "portal.example:80"),
    ],
)
def test_the_name_that_readers_use_need_not_be_repeated(public_url: str, host: str) -> None:
    assert HostNames.of([], public_url=public_url).allow(host)
    assert not HostNames().allow(host)


@pytest.mark.parametrize(
    "written",
    ["", "*", "*.", "https://a.example", "a.example/", "a b", "*.a.example:80", "a.*.b", "a..b"],
)
def test_what_is_no_name_is_refused_with_words(written: str) -> None:
    with pytest.raises(HostNameError) as raised:
        HostNames.of(["cases.example", written])

    assert str(raised.value) == (
        f"{written!r} 不是域名或地址；应形如 cases.example、*.example 或 10.1.2.3:8000，不写协议和路径。"
        "请改正 --allow-host 或环境变量 CASEBOOK_ALLOWED_HOSTS"
    )


@pytest.mark.parametrize(
    ("host", "detail"),
    [
        (
            "evil.example:8000",
            (
                "本服务不认识 evil.example 这个名字。请换用它的地址访问，"
                "或请管理员启动时加上 --allow-host evil.example。"
            ),
        ),
        ("<b>x", "请求没有写明主机（Host），或者写得不对。"),
        ("a@b", "请求没有写明主机（Host），或者写得不对。"),
    ],
)
def test_a_page_that_rebinds_its_name_reads_nothing_but_that(host: str, detail: str) -> None:
    client = TestClient(KnownHosts(PlainTextResponse("secret"), HostNames()))

    response = client.get("/readyz", headers={"Host": host})

    assert response.status_code == 421
    assert response.json()["type"] == "/problems/misdirected"
    assert response.json()["detail"] == detail
