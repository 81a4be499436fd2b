"""What all pages share: no code of their own, nothing from elsewhere, one sheet of colours, addresses."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

PAGES = {path.name: path.read_text(encoding="utf-8") for path in (files("api") / "pages").iterdir()}


def test_the_page_hashes_words_as_permalinks_do() -> None:
    assert "const BASE = 0x01000193;" in PAGES["case.js"]


def test_pages_hold_no_inline_code_and_load_nothing_from_elsewhere() -> None:
    assert sorted(PAGES) == [
        "case.css",
        "case.html",
        "case.js",
        "casebook.css",
        "citation.js",
        "embed.css",
        "embed.html",
        "embed.js",
        "error.html",
        "search.css",
        "search.html",
        "search.js",
    ]
    for name, text in PAGES.items():
        shown = re.compile(r"<code>.*?</code>", re.DOTALL)  # samples: read, never loaded
        assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", shown.sub("", text)), name
        if name.endswith(".html"):
            assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), name
            assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text)), name
            assert 'lang="zh-CN"' in text
        if name.endswith(".js"):
            forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser"
            assert not re.search(forbidden, text), name
            assert '"use strict"' in text


def test_colours_are_named_in_one_sheet() -> None:
    for name, text in PAGES.items():
        screen = text.partition("@media print")[0]  # paper is white and ink is black
        if name.endswith(".css") and name != "casebook.css":
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(", screen), name
    light, dark = PAGES["casebook.css"].split("prefers-color-scheme: dark")
    names = re.compile(r"(--[a-z-]+): #")
    assert names.findall(light) == names.findall(dark)


def test_every_field_of_the_search_form_has_a_label() -> None:
    page = PAGES["search.html"]
    fields = re.findall(r'<(?:input|select) id="([a-z]+)"', page)

    assert fields == ["question", "district"]
    assert re.findall(r'<label for="([a-z]+)">', page) == fields


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("casebook.css", "text/css; charset=utf-8"),
        ("search.css", "text/css; charset=utf-8"),
        ("case.css", "text/css; charset=utf-8"),
        ("search.js", "text/javascript; charset=utf-8"),
        ("citation.js", "text/javascript; charset=utf-8"),
        ("case.js", "text/javascript; charset=utf-8"),
    ],
)
def test_an_asset_is_sent_once_and_then_only_confirmed(
    client: TestClient, name: str, media_type: str
) -> None:
    first = client.get(f"/static/{name}")
    assert first.text == PAGES[name]
    assert first.headers["content-type"] == media_type
    assert first.headers["cache-control"] == "no-cache"

    again = client.get(f"/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_templates_are_not_assets(client: TestClient) -> None:
    assert client.get("/static/search.html").status_code == 404


@pytest.mark.parametrize("path", ["/", "/search?q=智能退税", "/cases/c33adef876c"])
def test_pages_work_behind_a_proxy_that_has_them_in_a_folder(client: TestClient, path: str) -> None:
    links = re.findall(r'(?:href|src|action)="([^"]+)"', client.get(path).text)

    assert len(links) > 10
    assert [link for link in links if link.startswith("/")] == []
