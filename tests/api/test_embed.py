"""The page that webmasters copy from: what it says is so, and it keeps to its own policy."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.app import create_app
from api.links import Links
from api.protocols import Protocols
from api.widget_bundle import widget_script
from rag.ask import Asker
from rag.assistant import Assistant

SCRIPT = widget_script()
PINNED = f"/widget/v1.{hashlib.sha256(SCRIPT).hexdigest()[:10]}/casebook.js"
INTEGRITY = f"sha384-{base64.b64encode(hashlib.sha384(SCRIPT).digest()).decode()}"


class Reader(HTMLParser):
    """The tags of a page, and the texts that have an id."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.samples: dict[str, str] = {}
        self._sample = ""
        self.inline: list[str] = []
        self._tag = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._tag = tag
        if tag == "pre":
            self._sample = dict(attrs)["id"] or ""
            self.samples[self._sample] = ""

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""
        if tag == "pre":
            self._sample = ""

    def handle_data(self, data: str) -> None:
        if self._sample:
            self.samples[self._sample] += data
        if self._tag in {"script", "style"} and data.strip():
            self.inline.append(data)

    def links(self) -> list[str]:
        return [
            value
            for _, attributes in self.tags
            for name, value in attributes.items()
            if name in {"href", "src", "action"} and value and not value.startswith(("#", "data:"))
        ]


def page_of(client: TestClient, **headers: str) -> Reader:
    response = client.get("/embed", headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Reader(response.text)


def test_nothing_on_the_page_needs_more_than_its_policy_allows(client: TestClient) -> None:
    page = page_of(client)

    assert page.inline == []
    names = {name for _, attributes in page.tags for name in attributes}
    assert {name for name in names if name == "style" or name.startswith("on")} == set()
    assert not [link for link in page.links() if urlsplit(link).netloc]


def test_every_link_of_the_page_leads_somewhere(client: TestClient) -> None:
    for link in page_of(client).links():
        assert client.get(urljoin("/embed", link)).status_code == 200, link


def test_the_preview_runs_the_very_script_whose_hash_is_shown(client: TestClient) -> None:
    page = page_of(client)

    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts[-1] == {
        "src": PINNED.removeprefix("/"),
        "integrity": INTEGRITY,
        "crossorigin": "anonymous",
        "defer": None,
    }
    assert sum(tag == "casebook-search" for tag, _ in page.tags) == 1


def test_the_code_to_copy_is_for_the_address_that_was_asked(client: TestClient) -> None:
    samples = page_of(client, Host="cases.gov.example:8000").samples

    base = "http://cases.gov.example:8000"
    assert samples["pinned"] == (
        f'<script src="{base}{PINNED}"\n'
        f'  integrity="{INTEGRITY}"\n'
        '  crossorigin="anonymous" defer></script>\n'
        "<casebook-search>\n"
        f'  <form role="search" action="{base}/search" method="get">\n'
        '    <label>案例检索 <input name="q" maxlength="500" required></label>\n'
        "    <button>检索</button>\n"
        "  </form>\n"
        "</casebook-search>"
    )
    assert samples["newest"].splitlines()[0] == (
        f'<script src="{base}/widget/v1/casebook.js" defer></script>'
    )
    assert samples["policy"] == f"script-src {base}; connect-src {base}"


def test_the_address_of_the_operator_goes_before_the_one_that_was_asked(
    assistant: Assistant,
) -> None:
    protocols = Protocols(links=Links("https://portal.example/casebook/"))
    client = TestClient(create_app(Asker(assistant), passages=6, encoder="-", protocols=protocols))

    samples = page_of(client, Host="127.0.0.1:8000").samples

    assert f'src="https://portal.example/casebook{PINNED}"' in samples["pinned"]
    assert samples["policy"] == (
        "script-src https://portal.example; connect-src https://portal.example"
    )


@pytest.mark.parametrize(
    ("host", "hidden"),
    [("127.0.0.1:8000", False), ("localhost", False), ("[::1]:8000", False), ("10.1.2.3", True)],
)
def test_code_that_works_on_this_machine_alone_is_shown_as_such(
    client: TestClient, host: str, hidden: object
) -> None:
    page = page_of(client, Host=host)

    (notice,) = [a for tag, a in page.tags if tag == "p" and a.get("class") == "notice error"]
    assert ("hidden" in notice) is hidden


def test_a_made_up_host_is_text_and_nothing_else(client: TestClient) -> None:
    page = page_of(client, Host='x"><script>alert(1)</script>')

    assert page.inline == []


class Folder:
    """What the recipe tells nginx to do: take a folder away, and put it before links."""

    def __init__(self, app: ASGIApp, recipe: str) -> None:
        self._app = app
        (self.prefix,) = re.findall(r"^location (/\w+)/ \{", recipe)
        (upstream,) = re.findall(r"proxy_pass http://[^/]+(/);", recipe)
        assert upstream == "/"  # with it nginx takes the folder away
        self.substitutions = re.findall(r"sub_filter '(.*)' '(.*)';", recipe)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith(f"{self.prefix}/"), scope["path"]
        page = False

        async def rewritten(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start":
                headers = dict(message["headers"])
                page = headers[b"content-type"].startswith(b"text/html")
                if page:
                    del headers[b"content-length"]
                    message["headers"] = list(headers.items())
            elif page:
                for old, new in self.substitutions:
                    message["body"] = message["body"].replace(old.encode(), new.encode())
            await send(message)

        path = scope["path"].removeprefix(self.prefix)
        await self._app({**scope, "path": path, "raw_path": path.encode()}, receive, rewritten)


@pytest.mark.parametrize("path", ["/embed", "/", "/cases/c33adef876c", "/search?q=退税"])
def test_behind_the_proxy_of_the_recipe_every_link_leads_somewhere(
    app: FastAPI, client: TestClient, path: str
) -> None:
    samples = page_of(client).samples
    proxied = Folder(app, samples["proxy"])
    portal = TestClient(proxied)
    assert len(proxied.substitutions) == 3

    page = Reader(portal.get(f"/casebook{path}").text)

    assert len(page.links()) >= 3
    for link in page.links():
        address = urljoin(f"/casebook{path}", link)
        assert portal.get(address).status_code == 200, link
    if path == "/embed":
        assert page.samples["proxy"] == samples["proxy"]
        sources = re.findall(r'(?:src|action)="([^"]*)"', page.samples["proxied"])
        assert sources == ["/casebook/widget/v1/casebook.js", "/casebook/search"]
        assert portal.get(sources[0]).content == SCRIPT
