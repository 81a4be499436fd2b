"""Paths of this service -> addresses that work in somebody else's page."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from rag.errors import CasebookError

PUBLIC_URL_VARIABLE = "CASEBOOK_PUBLIC_URL"
"""Environment variable for the address that readers use."""


class PublicUrlError(CasebookError):
    """The configured address cannot be the beginning of a link."""


@dataclass(frozen=True, slots=True)
class Links:
    """Where readers reach this service.

    Attributes:
        public_url: What comes before every path, without a slash at its end, such as
            ``https://portal.example/casebook``; None takes the address of each request, which is
            right unless a proxy stands in between.

    Raises:
        PublicUrlError: If it is no address.
    """

    public_url: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no browser could open."""
        if self.public_url is None:
            return
        parts = urlsplit(self.public_url)
        if (
            parts.scheme not in ("http", "https")
            or not parts.netloc
            or parts.query
            or parts.fragment
        ):
            message = (
                f"{self.public_url!r} 不能作为对外的地址，应形如 https://主机/路径；"
                f"请改正 --public-url 或环境变量 {PUBLIC_URL_VARIABLE}"
            )
            raise PublicUrlError(message)

    def to(self, path: str, request: Request) -> str:
        """Write the address of a path, such as a citation's ``url``, for whoever asked."""
        base = self.public_url or f"{request.url.scheme}://{request.url.netloc}"
        return f"{base.rstrip('/')}{path}"
