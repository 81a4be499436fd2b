"""A running service as a `Searcher`: ``POST /api/v1/search`` over HTTP.

Every request has a client of its own. Pooled connections belong to one event loop, and a retriever
is used from many: a notebook, worker threads, one ``asyncio.run`` after another.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from functools import cache

import httpx
from pydantic import ValidationError

from api.problems import Problem
from api.schemas import SearchRequest, SearchResponse
from api.scope import RequestRefusedError
from rag.endpoint import is_loopback
from rag.errors import CasebookError

_PATH = "/api/v1/search"
_SHOWN_CHARS = 200  # of an unexpected answer, in an error message


class ServiceUnavailableError(CasebookError):
    """A service did not answer, not in time, or not as Casebook does; later it may."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Redirects are not followed: the key is for this address and no other. Nothing is asked twice:
    when to ask again is the caller's business, and `ServiceUnavailableError` says when it may help.

    Attributes:
        url: Its address, such as ``http://127.0.0.1:8000``, and the path before ``/api`` if any.
        api_key: Sent as a bearer token and never shown; None or empty sends none.
        timeout_s: For connecting and for each silence while reading.

    Raises:
        RequestRefusedError: If the address is none, or has a password, which would end up in
            messages; or if the key cannot be sent.
    """

    url: str
    api_key: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse an address and a key that cannot be used."""
        key = self._key
        if not (key.isascii() and key.isprintable()):
            # The HTTP library would say so with the key in it.
            message = "密钥（api_key）含有不能发送的字符；请改正后重试"
            raise RequestRefusedError(message)
        try:
            url = httpx.URL(self._endpoint)
        except httpx.InvalidURL:
            url = httpx.URL("")
        odd = url.userinfo or url.query or url.fragment
        if url.scheme not in ("http", "https") or not url.host or odd:
            message = (
                "服务的地址应形如 http://127.0.0.1:8000，不带用户名、密码和参数"
                "（密钥用 api_key 传入）；请改正地址后重试"
            )
            raise RequestRefusedError(message)

    def search(self, request: SearchRequest) -> SearchResponse:
        """Ask the service.

        Raises:
            ServiceUnavailableError: If it does not answer, or not as Casebook does.
            RequestRefusedError: If it refuses the request or the key.
        """
        try:
            with httpx.Client(
                verify=_tls(), timeout=self.timeout_s, trust_env=self._trusts_environment
            ) as client:
                response = client.post(self._endpoint, json=_body(request), headers=self._headers)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._answer(response)

    async def asearch(self, request: SearchRequest) -> SearchResponse:
        """Ask the service without blocking the event loop; raises the same."""
        try:
            async with httpx.AsyncClient(
                verify=_tls(), timeout=self.timeout_s, trust_env=self._trusts_environment
            ) as client:
                response = await client.post(
                    self._endpoint, json=_body(request), headers=self._headers
                )
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._answer(response)

    @property
    def _endpoint(self) -> str:
        return self.url.rstrip("/") + _PATH

    @property
    def _key(self) -> str:
        """The key without the line end that files and shells leave behind it."""
        return (self.api_key or "").strip()

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    @property
    def _trusts_environment(self) -> bool:
        """No proxy of the environment can reach this machine on our behalf."""
        return not is_loopback(httpx.URL(self.url).host)

    def _answer(self, response: httpx.Response) -> SearchResponse:
        if response.is_success:
            try:
                return SearchResponse.model_validate_json(response.content)
            except ValidationError as error:
                message = (
                    f"{self._endpoint} 返回的不是检索结果，而是 {self._shown(response)}；"
                    "请确认这是 Casebook 服务的地址，且两边版本相同"
                )
                raise ServiceUnavailableError(message) from error
        status = response.status_code
        message = f"{self._endpoint} 返回 HTTP {status}：{self._said(response)}"
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            message += "；请用 api_key 传入该服务接受的密钥"
        if status == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise ServiceUnavailableError(message)
        raise RequestRefusedError(message)

    def _unreachable(self, error: httpx.HTTPError) -> ServiceUnavailableError:
        what = "超时" if isinstance(error, httpx.TimeoutException) else "连接出错"
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return ServiceUnavailableError(
            f"{self._endpoint} {what}（{said}）；请确认服务已启动（casebook serve）、地址无误，然后重试"
        )

    def _said(self, response: httpx.Response) -> str:
        """What went wrong, in the service's words if it has any."""
        try:
            said = Problem.model_validate_json(response.content).detail
        except ValidationError:  # a gateway in between
            return self._shown(response)
        return self._without_key(said).rstrip("。")

    def _shown(self, response: httpx.Response) -> str:
        """The start of an answer in one line."""
        return repr(self._without_key(" ".join(response.text.split()))[:_SHOWN_CHARS])

    def _without_key(self, text: str) -> str:
        """Some gateways repeat the key they refuse."""
        return text.replace(self._key, "***") if self._key else text


def _body(request: SearchRequest) -> dict[str, object]:
    """Only what differs from the contract's defaults: an older service knows nothing else."""
    return request.model_dump(mode="json", exclude_defaults=True)


@cache
def _tls() -> ssl.SSLContext:
    """Trusted certificates: reading them takes longer than a search, so they are read once."""
    return httpx.create_ssl_context()
