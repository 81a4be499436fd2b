"""What a request's headers ask for: which form of an answer, and whether it is known already."""

from __future__ import annotations

import re

from starlette.requests import Request

_WEIGHT = re.compile(r"(?:^|;)\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)")


def weights_of(header: str) -> dict[str, float]:
    """Read a list of preferences, such as ``Accept`` and ``Accept-Encoding`` are.

    Returns:
        Weight in [0, 1] by name, in small letters; 0 means: anything but this. One without a weight
        that can be read has 1.

    Source:
        RFC 9110, sections 12.4.2 and 12.5.

    >>> weights_of("text/html, application/JSON;q=0.5, */*; q=0")
    {'text/html': 1.0, 'application/json': 0.5, '*/*': 0.0}
    """
    weights: dict[str, float] = {}
    for member in header.lower().split(","):
        name, _, parameters = member.partition(";")
        weight = _WEIGHT.search(parameters)
        weights[name.strip()] = float(weight[1]) if weight else 1.0
    return weights


def is_known(etag: str, request: Request) -> bool:
    """Whether a client has what an ETag names, so that 304 will do (RFC 9110, section 13.1.2)."""
    listed = request.headers.get("if-none-match", "").split(",")
    return not {etag, "*"}.isdisjoint(tag.strip().removeprefix("W/") for tag in listed)
