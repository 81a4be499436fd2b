"""Whatever a case says, it is shown: no text of it runs, in no place where it may stand.

The pages come without their policies here, which would stop what the pages let through.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from api.case_page import Surroundings, case_page
from api.case_schemas import CaseDetail
from rag.cases import read_cases
from rag.permalink import permalink
from rag.source import decode
from tests.browser.markup import PLAIN, TEXTS

ASK = "/api/v1/ask"
A_PAGE = 20


def ran(page: Page) -> bool:
    """Whether any text ran; loading and failing to load take a moment."""
    page.wait_for_timeout(300)
    return bool(page.evaluate("'pwned' in window"))


def shown(page: Page, selector: str) -> str:
    return page.locator(selector).evaluate("it => (it.shadowRoot || it).textContent")


def test_there_are_more_than_two_hundred() -> None:
    assert len(set(TEXTS)) == len(TEXTS) >= 200


@pytest.mark.parametrize("markup", PLAIN)
def test_each_would_run_as_markup(page: Page, stage: Any, complaints: Any, markup: str) -> None:
    page.goto(stage.page(f"<!doctype html><body>{markup}<p>x</p>"))
    assert ran(page)
    complaints.errors.clear()  # what cannot be loaded


def test_a_case_of_nothing_else_is_shown_letter_by_letter(page: Page, stage: Any) -> None:
    head = (
        f"某市2023年优化营商环境优秀案例\n\n排名1\n静安区{PLAIN[3]}\n一、{PLAIN[7]}\n静安区退税。\n"
    )
    file = decode(f"{PLAIN[3].replace('/', '')}.txt", (head + "\n".join(TEXTS)).encode())
    case = read_cases([file])[0]
    link = permalink(case, case.body.span)
    path = link.partition("?")[0]
    html = case_page(case, Surroundings(), None)
    stage.page(html, path=path)
    whole = CaseDetail.from_case(case).model_dump_json()
    stage.page(whole, path=f"/api/v1{path}", content_type="application/json")
    page.goto(stage.url + link)

    assert not ran(page)
    text = shown(page, "main")
    assert [each for each in TEXTS if each.strip() not in text] == []


def test_the_search_box_shows_them_in_every_field(
    portal: Any, stage: Any, answers: Any, page: Page
) -> None:
    missing: list[str] = []
    for start in range(0, len(TEXTS), A_PAGE):
        texts = TEXTS[start : start + A_PAGE]
        citations = [
            answers.passage(
                number,
                **dict.fromkeys(("title", "collection", "text"), text),
                districts=[text],
                section=[text],
            )
            for number, text in enumerate(texts, start=1)
        ]
        sentences = [answers.sentence(text, n, lead=text) for n, text in enumerate(texts, start=1)]
        answer = answers.whole(citations=citations, answer={"text": "", "sentences": sentences})
        stage.answer(ASK, answers.streamed(answer))
        stage.answer("/api/v1/suggest", answers.suggestions(*texts[:5]))
        portal.open(content_security_policy="")
        page.locator("#question").focus()
        page.keyboard.insert_text(texts[0])
        page.locator("#list [role=option]").first.wait_for()
        portal.ask()
        page.locator(".text").first.wait_for()

        assert not ran(page)
        text = shown(page, "casebook-search")
        missing += [each for each in texts if each not in text]
    assert missing == []
