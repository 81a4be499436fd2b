from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.access import AccessDeniedError, AccessKey, AccessKeyError, Guarded, Refusal


def refusal_of(authorization: str | None) -> Refusal | None:
    try:
        AccessKey("s3cret").admit(authorization)
    except AccessDeniedError as error:
        return error.refusal
    return None


@pytest.mark.parametrize(
    ("authorization", "refusal"),
    [
        ("Bearer s3cret", None),
        ("bearer s3cret", None),
        ("BEARER  s3cret ", None),
        (None, Refusal.MISSING),
        ("", Refusal.MALFORMED),
        ("Bearer", Refusal.MALFORMED),
        ("Bearer  ", Refusal.MALFORMED),
        ("s3cret", Refusal.MALFORMED),
        ("Basic s3cret", Refusal.MALFORMED),
        ("Bearer s3cre", Refusal.WRONG),
        ("Bearer s3cret2", Refusal.WRONG),
        ("Bearer S3CRET", Refusal.WRONG),
        ("Bearer s3cret s3cret", Refusal.WRONG),
        ("Bearer ÿ", Refusal.WRONG),
    ],
)
def test_only_the_whole_key_is_let_in(authorization: str | None, refusal: Refusal | None) -> None:
    assert refusal_of(authorization) == refusal


def test_what_files_and_shells_leave_around_a_key_is_no_part_of_it() -> None:
    assert AccessKey.configured(" s3cret\r\n") == AccessKey("s3cret")


def test_nothing_configured_is_no_key() -> None:
    assert AccessKey.configured(None) is None


@pytest.mark.parametrize("value", ["", " \n"])
def test_a_key_that_was_meant_and_is_empty_is_an_error(value: str) -> None:
    with pytest.raises(AccessKeyError) as raised:
        AccessKey.configured(value)

    assert str(raised.value) == (
        "环境变量 CASEBOOK_API_KEY 设了，但里面是空的；请填入密钥，不需要密钥则取消这个变量"
    )


@pytest.mark.parametrize("value", ["密钥", "two words", "a\x00b", "a\tb", "a\u00a0b", "ÿ"])
def test_a_key_that_no_client_can_send_is_an_error_that_does_not_show_it(value: str) -> None:
    with pytest.raises(AccessKeyError) as raised:
        AccessKey.configured(value)

    assert str(raised.value) == (
        "环境变量 CASEBOOK_API_KEY 里的密钥含有空白或 ASCII 以外的字符，无法放进请求头；"
        "请换成字母、数字与半角符号"
    )


def test_a_key_is_not_shown() -> None:
    assert repr(AccessKey("s3cret")) == "AccessKey()"


def guarded(key: AccessKey | None) -> TestClient:
    def inside(_: Request) -> Response:
        return PlainTextResponse("inside")

    app = Starlette(routes=[Route("/", inside)])
    return TestClient(
        Guarded(app, key=key, refuse=lambda error: PlainTextResponse(error.refusal.name, 403))
    )


def test_what_is_guarded_is_reached_with_the_key_alone() -> None:
    client = guarded(AccessKey("s3cret"))

    assert client.get("/", headers={"Authorization": "Bearer s3cret"}).text == "inside"
    assert (client.get("/").status_code, client.get("/").text) == (403, "MISSING")
    assert client.get("/nothing").text == "MISSING"  # what is there is not told either
    assert client.get("/", headers={"Authorization": "Bearer x"}).text == "WRONG"


def test_without_a_key_everyone_is_let_in_whatever_they_carry() -> None:
    client = guarded(None)

    assert client.get("/").text == "inside"
    assert client.get("/", headers={"Authorization": "Bearer anything"}).text == "inside"
