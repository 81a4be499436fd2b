from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.addresses import ProxyError, client_of, is_loopback, trusted_proxies
from api.quota import Limits, Quota


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_quarter_of_a_minutes_searches_may_come_at_once_and_then_one_at_its_pace() -> None:
    clock = Clock()
    quota = Quota(60, clock=clock)

    # One more than fifteen: the last is due when the fifteen seconds are over.
    assert [quota.take("a") for _ in range(18)] == [0] * 16 + [1, 1]
    clock.now += 1
    assert [quota.take("a"), quota.take("a")] == [0, 1]
    clock.now += 3600
    assert [quota.take("a") for _ in range(17)] == [0] * 16 + [1]


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    quota = Quota(2, clock=clock)  # one in thirty seconds
    assert quota.take("a") == 0

    wait_s = quota.take("a")
    assert wait_s == 15
    clock.now += wait_s
    assert quota.take("a") == 0


def test_one_client_takes_nothing_from_another() -> None:
    quota = Quota(1, clock=Clock())

    assert [quota.take("a"), quota.take("b"), quota.take("a")] == [0, 0, 45]


def test_what_costs_an_eighth_may_come_eight_times_as_often() -> None:
    quota = Quota(60, clock=Clock())

    assert [quota.take("a", 0.125) for _ in range(130)].count(0) == 15 * 8 + 1


def test_a_client_may_have_a_quota_of_its_own() -> None:
    quota = Quota(1, clock=Clock())

    assert [quota.take("a", per_minute=60) for _ in range(17)] == [0] * 16 + [1]


def test_no_quota_is_no_limit_but_for_whoever_has_one() -> None:
    quota = Quota(0, clock=Clock())

    assert not any(quota.take("a") for _ in range(10_000))
    assert [quota.take("b", per_minute=1) for _ in range(2)] == [0, 45]


def test_memory_is_bounded_and_who_asked_longest_ago_is_forgotten() -> None:
    quota = Quota(1, clients=3, clock=Clock())
    for client in "abc":
        quota.take(client)
    quota.take("d")

    assert [quota.take(client) for client in "bcd"] == [45, 45, 45]
    assert quota.take("a") == 0
    assert len(quota._due) == 3  # noqa: SLF001 - what is bounded


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 600))
def test_no_minute_lets_more_through_than_a_quarter_above_the_quota(
    pauses: list[float], per_minute: int
) -> None:
    clock = Clock()
    quota = Quota(per_minute, clock=clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        passed += [clock.now for _ in range(20) if quota.take("a") == 0]
        within = [at for at in passed if at > clock.now - 60]
        assert len(within) <= per_minute * 1.25 + 1


def test_the_default_is_more_than_an_office_of_500_asks_in_its_busiest_minute() -> None:
    # Every second one asks: an answer, a search, ten suggestions and two pages each.
    asking = 250
    asked = asking * (1 + 1 + 10 * 0.1 + 2 * 0.1)

    assert asked == 800
    assert asked < min(Limits().per_address, Limits().per_key)


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),  # a service on :: sees IPv4 like this: no /64 of them all
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_addresses_of_one_client_are_one(host: str, client: str) -> None:
    assert client_of(host) == client


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::2", False),
        ("10.0.0.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_its_addresses(host: str, here: bool) -> None:  # noqa: FBT001
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    "written", ["", "*", "proxy.example", "10.1.2.3/8", "0.0.0.0/0", "::/0", "10.1.2.3:80"]
)
def test_a_proxy_that_is_no_address_or_everybody_is_refused(written: str) -> None:
    with pytest.raises(ProxyError) as raised:
        trusted_proxies(["10.0.0.1", written])

    assert str(raised.value) == (
        f"{written!r} 不能作为代理的地址；应为 IP 地址或网段，如 10.1.2.3 或 10.1.2.0/24，"
        "网段的主机位为 0，也不能是所有地址。"
        "请改正 --trusted-proxy 或环境变量 CASEBOOK_TRUSTED_PROXIES"
    )
