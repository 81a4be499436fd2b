"""In other people's pages: strict policies, old encodings, hostile scripts and styles, no scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from api.widget_bundle import widget_script
from tests.browser.portal import SCRIPT
from tests.browser.stage import Reply

ASK = "/api/v1/ask"
SIGN = (
    'src="/widget/v1/casebook.js" data-casebook data-district="静安区" data-top-k="3"'
    ' data-theme="dark"'
)
FORM = (
    '<form action="/search"><label for="q">想问什么</label>'
    '<input id="q" name="q" placeholder="写在这里"{}><button>检索</button></form>'
)


def test_every_feature_works_under_the_strictest_policy(portal: Any, complaints: Any) -> None:
    page = portal.open('theme="dark" size="elder"')
    page.locator("#question").focus()
    page.keyboard.insert_text("退税")
    page.locator("#list [role=option]").first.click()
    page.locator("[data-state=answered]").wait_for()
    page.locator(".scope").click()
    page.get_by_role("button", name="复制引文").first.click()
    page.get_by_role("button", name="更多相关段落").click()
    page.get_by_role("button", name="没有用").click()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("谢谢，您的意见已收到。").first).to_be_visible()
    assert complaints.violations == []


def test_one_request_until_somebody_asks(portal: Any, page: Any) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url.rpartition("/")[2]))
    portal.open()
    page.wait_for_timeout(300)
    assert [url for url in urls if url != "favicon.ico"] == ["portal", "casebook.js"]


def test_the_form_inside_works_without_scripts(chromium: Browser, stage: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    plain = context.new_page()
    html = f"<!doctype html><meta charset=utf-8>{SCRIPT}<casebook-search>{FORM.format('')}</casebook-search>"
    plain.goto(stage.page(html))
    plain.get_by_label("想问什么").fill("企业退税")
    plain.get_by_role("button", name="检索").click()
    assert plain.url.startswith(f"{stage.url}/search?q=")
    expect(plain.locator("ol li").first).to_be_visible()
    context.close()


def test_the_form_inside_lends_its_label_and_what_was_typed(portal: Any, stage: Any) -> None:
    page = portal.open(inside=FORM.format(""))
    field = page.get_by_role("combobox", name="想问什么")
    assert field.get_attribute("placeholder") == "写在这里"
    expect(page.locator("form[action]")).to_be_hidden()
    assert stage.asked_of(ASK) == []


def test_what_is_typed_before_the_script_arrives_is_kept_with_the_focus(
    page: Any, stage: Any, gate: Any
) -> None:
    stage.pages["/widget/v1/casebook.js"] = Reply(
        [gate, widget_script()], headers={"content-type": "text/javascript; charset=utf-8"}
    )
    html = (
        f"<!doctype html><meta charset=utf-8><casebook-search>{FORM.format('')}</casebook-search>"
    )
    page.goto(stage.page(html + SCRIPT.replace("defer", "async")), wait_until="commit")
    page.get_by_label("想问什么").fill("退税")
    gate.open()
    page.get_by_role("combobox").wait_for()
    expect(page.get_by_role("combobox")).to_be_focused()
    expect(page.get_by_role("combobox")).to_have_value("退税")
    assert stage.asked_of(ASK) == []


def test_a_question_that_the_server_put_in_is_asked(portal: Any, stage: Any) -> None:
    page = portal.open(inside=FORM.format(' value="退税几天到账"'))
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["退税几天到账"]


def test_examples_are_the_page_s_own_where_it_has_some(portal: Any, stage: Any) -> None:
    page = portal.open(inside='<a href="/?q=%E9%80%80%E7%A8%8E">怎样退税？</a>')
    page.get_by_role("button", name="怎样退税？").click()
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["怎样退税？"]
    expect(page.locator("section[data-state]")).to_be_focused()  # the example is gone


def test_a_script_that_is_not_deferred_waits_for_the_form(portal: Any) -> None:
    page = portal.open_html(
        f"<!doctype html><head><meta charset=utf-8>{SCRIPT.replace(' defer', '')}</head>"
        f"<casebook-search>{FORM.format('')}</casebook-search>"
    )
    expect(page.get_by_role("combobox", name="想问什么")).to_be_visible()


@pytest.mark.parametrize(
    "html",
    [
        f"<div {SIGN.partition(' ')[2]}></div>{SCRIPT}",
        f'<p id="box"></p><script {SIGN} data-target="#box" defer></script>',
        f"<script {SIGN}></script>",
    ],
    ids=["a box", "a script with a target", "a script alone"],
)
def test_an_editor_that_knows_no_such_tag_can_place_it(portal: Any, stage: Any, html: str) -> None:
    page = portal.open_html(f"<!doctype html><meta charset=utf-8><body>{html}")
    portal.ask()
    assert stage.asked_of(ASK)[0].body == {
        "query": "退税几天到账",
        "filters": {"district": ["静安区"]},
        "top_k": 3,
    }
    expect(page.locator("casebook-search[theme=dark]")).to_have_count(1)


def test_a_form_in_a_box_is_taken_along(portal: Any) -> None:
    page = portal.open_html(
        f"<!doctype html><meta charset=utf-8><div data-casebook>{FORM.format('')}</div>{SCRIPT}"
    )
    expect(page.get_by_role("combobox", name="想问什么")).to_be_visible()
    expect(page.locator("casebook-search > form")).to_have_count(1)


def test_a_script_that_is_loaded_twice_mounts_once(portal: Any) -> None:
    page = portal.open_html(f"<!doctype html><div data-casebook></div>{SCRIPT}{SCRIPT}")
    page.get_by_role("combobox").wait_for()
    page.wait_for_timeout(200)
    expect(page.locator("casebook-search")).to_have_count(1)


def test_two_on_a_page_do_not_meet(portal: Any, stage: Any) -> None:
    page = portal.open_html(
        f"<!doctype html><meta charset=utf-8>{SCRIPT}<casebook-search id=a></casebook-search>"
        '<casebook-search id=b district="静安区" lang="en"></casebook-search>'
    )
    second = page.locator("#b")
    second.locator("#question").fill("退税")
    second.get_by_role("button", name="Ask").click()
    second.locator("[data-state=answered]").wait_for()
    expect(page.locator("#a [data-state=idle]")).to_have_count(1)
    expect(second.get_by_role("heading", name="Answer Verbatim")).to_be_visible()
    assert len(stage.asked_of(ASK)) == 1


def test_quirks_mode_and_a_page_in_gbk(portal: Any) -> None:
    html = f'<html><head><meta charset="gbk"><title>门户</title>{SCRIPT}</head><body><casebook-search></casebook-search>'
    page = portal.open_html(html.encode("gbk"))
    assert page.evaluate("[document.compatMode, document.characterSet]") == ["BackCompat", "GBK"]
    portal.ask("企业退税")
    expect(page.get_by_role("button", name="提问")).to_be_visible()
    expect(page.get_by_role("heading", name="回答 原文摘录")).to_be_visible()


def test_a_script_that_declares_the_page_s_encoding_is_read_right(portal: Any, stage: Any) -> None:
    stage.pages["/widget/v1/casebook.js"] = Reply(
        [widget_script()], headers={"content-type": "text/javascript"}
    )
    html = f'<meta charset="gbk">{SCRIPT.replace(" defer", " charset=gbk defer")}<casebook-search>'
    page = portal.open_html(html.encode("gbk"))
    expect(page.get_by_role("button", name="提问")).to_be_visible()


def test_a_base_elsewhere_changes_no_address(portal: Any, stage: Any) -> None:
    page = portal.open_html(
        f'<!doctype html><base href="http://elsewhere.test/x/"><script src="{stage.url}'
        '/widget/v1/casebook.js" defer></script><casebook-search></casebook-search>',
        content_security_policy="",
    )
    portal.ask()
    assert page.get_by_role("link").first.get_attribute("href").startswith(f"{stage.url}/cases/")


def test_a_service_below_a_path_is_asked_there(portal: Any, stage: Any, answers: Any) -> None:
    stage.answer("/casebook/api/v1/ask", answers.streamed())
    page = portal.open('api="/casebook"')
    portal.ask()
    assert page.get_by_role("link").first.get_attribute("href") == (
        f"{stage.url}/casebook/cases/c0000000001?v=1#p=100-120"
    )


@pytest.mark.parametrize(
    "pollution",
    [
        "for (const it of [Array, Object, String]) it.prototype.toJSON = function () { return 'no'; };",
        "Array.prototype.each = Array.prototype.last = Object.prototype.extra = function () {};",
        "Array.from = (it) => String(it).split('');",
        "window.$ = window.Promise.any = window.open = window.name = 'taken'; var make = 1, words = 2;",
        "Element.prototype.hide = Element.prototype.select = Element.prototype.update = null;",
    ],
    ids=["toJSON", "for-in", "Array.from", "globals", "elements"],
)
def test_scripts_of_the_page_that_change_everything_change_nothing(
    portal: Any, page: Any, stage: Any, pollution: str
) -> None:
    page.add_init_script(pollution)
    portal.open('district="静安区"')
    portal.ask()
    assert stage.asked_of(ASK)[0].body == {
        "query": "退税几天到账",
        "filters": {"district": ["静安区"]},
    }
    expect(page.locator(".word").first).to_have_text("退税")


def test_styles_of_the_page_stay_outside(portal: Any, stage: Any) -> None:
    stage.page(
        "* { font-size: 40px !important; line-height: 1 !important; color: red !important;"
        " text-align: right !important; letter-spacing: 1em !important; text-transform: uppercase }"
        "div, p, button, input { position: relative !important; float: right; display: none }"
        "mark { background: red }",
        path="/hostile.css",
    )
    stage.pages["/hostile.css"].headers["content-type"] = "text/css"
    page = portal.open_html(
        '<!doctype html><meta charset=utf-8><link rel=stylesheet href="/hostile.css">'
        f"{SCRIPT}<casebook-search></casebook-search>"
    )
    portal.ask()
    style = page.locator(".text").first.evaluate(
        "(it) => { const { fontSize, color, textAlign, letterSpacing, display } = getComputedStyle(it);"
        " return [fontSize, color, textAlign, letterSpacing, display]; }"
    )
    assert style == ["16px", "rgb(27, 36, 48)", "start", "normal", "block"]


def test_a_box_that_clips_shows_the_suggestions(portal: Any, stage: Any, answers: Any) -> None:
    stage.answer("/api/v1/suggest", answers.suggestions(*[f"退税的第{n}个问题" for n in range(8)]))
    stage.page("div { overflow: hidden }", path="/box.css")
    stage.pages["/box.css"].headers["content-type"] = "text/css"
    page = portal.open_html(
        '<!doctype html><meta charset=utf-8><link rel=stylesheet href="/box.css">'
        f"{SCRIPT}<div id=box><casebook-search></casebook-search></div>"
    )
    page.locator("#question").focus()
    page.keyboard.insert_text("退税")
    last = page.locator("#list [role=option]").last
    last.wait_for()
    box, option = page.locator("#box").bounding_box(), last.bounding_box()
    assert box is not None
    assert option is not None
    assert option["y"] + option["height"] <= box["y"] + box["height"]


HOSTILE = '<img src=x onerror="alert(1)"><script>alert(1)</script>'


def test_markup_in_any_field_is_shown_not_obeyed(
    portal: Any, stage: Any, answers: Any, page: Any
) -> None:
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    fields = dict.fromkeys(("title", "collection", "text"), HOSTILE)
    one = answers.passage(1, **fields, districts=[HOSTILE], section=[HOSTILE])
    said = answers.sentence(HOSTILE, 1, lead=HOSTILE)
    stage.answer(
        ASK,
        answers.streamed(answers.whole(citations=[one], answer={"text": "", "sentences": [said]})),
    )
    stage.answer("/api/v1/suggest", answers.suggestions(HOSTILE))
    portal.open()
    page.locator("#question").focus()
    page.keyboard.insert_text("退税")
    expect(page.locator("#list [role=option]")).to_have_text(HOSTILE)
    portal.ask()
    expect(page.locator(".text")).to_have_text(HOSTILE)
    expect(page.locator("casebook-search img")).to_have_count(0)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "http://[", "file:///etc"]
)
def test_an_address_that_is_none_is_no_link(
    portal: Any, stage: Any, answers: Any, url: str
) -> None:
    one = answers.passage(1, url=url)
    stage.answer(ASK, answers.streamed(answers.whole(citations=[one])))
    portal.open()
    page = portal.ask()
    expect(page.get_by_role("link")).to_have_count(0)
    expect(page.get_by_text("查看原文")).to_be_visible()


@pytest.mark.parametrize(
    "changes",
    [
        {"highlights": [[-5, 2], [3, 1], [20, 10_000], [4, 4]]},
        {"text": "", "highlights": [[0, 4]]},
        {"title": "字" * 10_000, "section": ["节" * 3_000]},
        {"title": "\u202e倒过来\u202e", "text": "\u202e倒过来的正文"},
    ],
    ids=["ranges", "no text", "long", "right to left"],
)
def test_fields_that_make_no_sense_break_nothing(
    portal: Any, stage: Any, answers: Any, changes: dict[str, Any]
) -> None:
    one = answers.passage(1, **changes)
    stage.answer(ASK, answers.streamed(answers.whole(citations=[one])))
    portal.open()
    page = portal.ask()
    expect(page.locator(".text")).to_have_text(one["text"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_element_that_is_taken_out_lets_the_service_go(
    portal: Any, stage: Any, answers: Any, gate: Any
) -> None:
    meta, citations, *_ = answers.events(answers.whole())
    stage.answer(ASK, answers.as_stream(meta, citations, gate))
    page = portal.open()
    portal.ask(state="streaming")
    page.evaluate("document.querySelector('casebook-search').remove()")
    assert stage.asked_of(ASK)[0].left.wait(5)


@pytest.mark.usefixtures("written")
def test_an_element_that_is_moved_keeps_its_answer(portal: Any) -> None:
    page = portal.open()
    portal.ask()
    page.evaluate("document.body.append(document.querySelector('casebook-search'))")
    expect(page.locator(".sentence")).to_have_count(2)


def test_attributes_can_change_and_scripts_can_ask(portal: Any, stage: Any) -> None:
    page = portal.open()
    page.locator("#question").fill("退税")
    page.evaluate("document.querySelector('casebook-search').setAttribute('lang', 'en')")
    expect(page.get_by_role("button", name="Ask")).to_be_visible()
    expect(page.locator("#question")).to_have_value("退税")
    page.evaluate("document.querySelector('casebook-search').ask('开办企业')")
    page.locator("[data-state=answered]").wait_for()
    assert [it.body["query"] for it in stage.asked_of(ASK)] == ["开办企业"]
    page.evaluate("document.querySelector('casebook-search').focus()")
    expect(page.locator("#question")).to_be_focused()
