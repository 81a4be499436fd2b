"""One report, three forms: a page that stands alone, a table to paste, numbers to compute with."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from eval.phrase import decimal, p_equation, signed
from eval.report import report_html, report_json, report_markdown
from eval.result import Fault, Result
from eval.wording import NAMES, WORDS

Make = Callable[..., Result]
VOID = {"meta", "input", "br"}
"""Elements without an end tag."""
EVAL = Path(__file__).parents[2] / "eval"


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())


@pytest.fixture
def results(make_result: Make) -> list[Result]:
    return [make_result("one", [1, 2, 1]), make_result("two", [2, None, 1], above="one")]


def drawings(page: str) -> Iterator[str]:
    return (match.group() for match in re.finditer(r"<svg.*?</svg>", page, re.DOTALL))


def test_the_page_parses_and_every_tag_is_closed(results: list[Result]) -> None:
    page = Page(report_html(results))
    assert page.open == []
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))


def test_every_link_within_the_page_has_its_target(results: list[Result]) -> None:
    page = Page(report_html(results))
    names = {attrs.get("id") for _, attrs in page.tags}
    links = {(attrs["href"] or "") for tag, attrs in page.tags if tag == "a"}
    assert links == {f"#{name}" for name in names if name and name.startswith("d1-")} - {
        "#d1-confusion",
        "#d1-faults",
    }


def test_the_page_stands_alone(results: list[Result]) -> None:
    html = report_html(results)
    page = Page(html)
    assert not re.search(r"https?:|url\(|@import|//[a-z]", html)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    assert not [name for _, attrs in page.tags for name in attrs if name in {"src", "srcset"}]
    assert "default-src 'none'" in html


def test_every_drawing_of_the_page_is_well_formed(results: list[Result]) -> None:
    roots = [ET.fromstring(drawing) for drawing in drawings(report_html(results))]  # noqa: S314 -- our own
    assert len(roots) > 10
    assert all(root.get("aria-label") for root in roots)


def test_a_hostile_question_is_text(results: list[Result]) -> None:
    html = report_html(results)
    assert "<script" not in html
    assert "谁帮办？&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_hostile_names_are_text(make_result: Make) -> None:
    name = "<script>|\n甲"
    results = [make_result(name, [1, 1, 1]), make_result("two", [1, 1, 2], above=name)]
    html, table = report_html(results), report_markdown(results)
    assert "<script" not in html
    assert Page(html).open == []
    assert "| &lt;script&gt;\\| 甲 |" in table
    lines = [line for line in table.splitlines() if line.startswith("|")]
    assert {line.replace("\\|", "").count("|") for line in lines} == {11}


def test_what_cannot_be_told_apart_is_said_in_words(results: list[Result]) -> None:
    text = Page(report_html(results)).text
    assert "two 与 one 相比（evidence@1）：无法区分（n=3 时只能看出" in text
    assert "two against one (evidence@1): cannot tell (n=3 shows only differences" in text
    assert "无法区分（n=3 时只能看出" in report_markdown(results)


def test_a_clear_gain_is_said_in_words(make_result: Make) -> None:
    many = [make_result("one", [2, 2, 2]), make_result("two", [1, 1, 1], above="one")]
    wide = [
        replace(
            result,
            values={"evidence@1": {f"Q{n}": float(result.above != "") for n in range(20)}},
        )
        for result in many
    ]
    assert "two 与 one 相比（evidence@1）：更好，差 +1.000 [+1.000, +1.000]。" in (
        Page(report_html(wide)).text
    )


def test_a_missing_measure_is_a_dash_and_never_a_nought(results: list[Result]) -> None:
    values = {name: v for name, v in results[1].values.items() if name != "RR@10"}
    lacking = [results[0], replace(results[1], values=values)]
    html = report_html(lacking)
    row = html[html.index('<span class="system">two</span>') :].split("</tr>")[0]
    cells = re.findall(r'<td class="num">\s*(.*?)\s*</td>', row, re.DOTALL)
    assert cells[2] == "—"
    assert table_of(lacking)[3].split(" | ")[3] == "—"
    assert json.loads(report_json(lacking))[1]["measures"]["RR@10"] is None


def test_memory_that_nobody_measured_is_a_dash(results: list[Result]) -> None:
    assert "| 10.0 / 10.0 | — | 1.5 | 3.0 |" in report_markdown(results)


def table_of(results: list[Result]) -> list[str]:
    return [line for line in report_markdown(results).splitlines() if line.startswith("|")]


def test_the_table_has_exact_cells(make_result: Make) -> None:
    assert report_markdown([make_result("one", [1, 1, 1])]) == (
        "### 小集\n\nn=3，均值与 95% 区间（按题自助抽样）；提交 abc1234+\n\n"
        "| 系统 | evidence@1 | evidence@5 | RR@10 | nDCG@10 | 与对照行比（evidence@1） "
        "| p50 / p95（毫秒） | 内存峰值（MB） | 建库（秒） | 索引（MB） |\n"
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |\n"
        "| one | 1.000\\* [1.000, 1.000] | 1.000\\* [1.000, 1.000] | 1.000\\* [1.000, 1.000] "
        "| 1.000\\* [1.000, 1.000] | — | 10.0 / 10.0 | — | 1.5 | 3.0 |\n\n"
        "\\* 不足 10 题：区间不可靠，不宜下结论。\n\n"
        "内存是进程峰值，含此前各行已载入的模型。"
        "建库时间不含取自缓存的向量：各行共用的编码只在首次计一次。\n"
    )


def test_a_comparison_in_the_table_has_every_figure(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [1, 1, 1], above="one")]
    cell = table_of(results)[3].split(" | ")[5]
    assert cell == ("比 one：.000 [.000, .000]，p=1.000，胜 0，平 3，负 0：没有差别（逐题相同）")


def test_several_datasets_have_a_table_and_a_chapter_each(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("one", [1, 1, 2], dataset="另一集")]
    table = report_markdown(results)
    assert re.findall("^### (.*)$", table, re.MULTILINE) == ["小集", "另一集"]
    headings = re.findall(r'<h2 id="(d\d)">(.*?)</h2>', report_html(results))
    assert headings == [("d1", "小集"), ("d2", "另一集")]


def test_the_json_has_the_same_numbers_unrounded(results: list[Result]) -> None:
    rows = json.loads(report_json(results))
    assert [row["system"] for row in rows] == ["one", "two"]
    assert rows[0]["measures"]["evidence@1"]["mean"] == 2 / 3
    assert rows[0]["comparisons"] is None
    pair = rows[1]["comparisons"][0]
    assert (pair["measure"], pair["wins"], pair["ties"], pair["losses"]) == ("evidence@1", 0, 2, 1)
    assert (pair["verdict"], pair["p_holm"]) == ("indistinct", 1.0)
    assert {(one["verdict"], one["p_holm"]) for one in rows[1]["comparisons"][1:]} == {(None, None)}
    assert rows[1]["cost"]["index_bytes"] == 3145728


def test_a_missed_question_is_told_with_cause_ranks_and_texts(results: list[Result]) -> None:
    html = report_html(results)
    text = Page(html).text
    assert "前 10 没有证据：1 题" in text
    assert "都没找到" in text
    assert "— / — / —" in text
    assert "<mark>三日 到账</mark>" in html
    assert "前 1：新找到 0 题，丢失 1 题" in text


def test_cut_quotes_provenance_and_command_are_told(results: list[Result]) -> None:
    faulty = replace(results[1], faults=(Fault("Q2", "帮办员现场服务"),))
    text = Page(report_html([results[0], faulty])).text
    assert "two · 1" in text
    assert "casebook eval run --system two" in text
    assert "abc1234+" in text
    assert "2026-01-02T03:04:05+00:00" in text


def test_refusals_are_counted_as_the_system_refused(results: list[Result]) -> None:
    html = report_html(results)
    counts = re.findall(r'<div class="four">(.*?)\n', html)[0]
    assert re.findall(r"<b>(\d+)</b>", counts) == ["2", "1", "1", "0"]
    text = Page(html).text
    assert "作答比例 .750 [.301, .954]（3/4）；作答中的错误比例 .333 [.061, .792]（1/3）" in text
    assert "AUROC 1.000 [" in text
    assert "（有答案的 3 题与没有答案的 1 题）" in text


def test_every_measure_stands_in_the_full_table_with_interval_and_n(make_result: Make) -> None:
    result = make_result("one", [1, 2, None])
    html = report_html([result])
    table = html[html.index('<table class="every">') :].split("</table>")[0]
    heads = re.findall(r'<th class="num">(.*?)</th>', table)
    assert set(heads) == set(result.values) >= {"hit@5", "case@1", "R@1", "Success@10", "Judged@10"}
    cells = [" ".join(re.sub("<.*?>", " ", cell).split()) for cell in table.split("<td")[1:]]
    assert cells[heads.index("hit@5")].partition(">")[2] == " .667 * [.000, 1.000] n=3"
    measures = json.loads(report_json([result]))[0]["measures"]
    assert set(measures) == set(result.values)
    assert measures["case@1"]["n"] == 3


def test_only_the_headline_of_a_row_has_a_verdict(results: list[Result]) -> None:
    html = report_html(results)
    table = html[html.index("成对比较") :].split("</table>")[0]
    rows = table.split("<tbody>")[1].split("<tr>")[1:]
    assert "无法区分" in rows[0]
    assert ["只作描述" in row for row in rows] == [False, True, True, True]
    assert ["无法区分" in row for row in rows[1:]] == [False] * 3


def test_a_p_is_never_nought(make_result: Make) -> None:
    wide = [
        replace(
            result, values={"evidence@1": {f"Q{n}": float(result.above != "") for n in range(20)}}
        )
        for result in (make_result("one", [2, 2, 2]), make_result("two", [1, 1, 1], above="one"))
    ]
    assert "p&lt;.001" in report_markdown(wide)
    html = report_html(wide)
    assert "p&lt;.001" in html
    assert "p=.000" not in html + report_markdown(wide)
    assert p_equation(0.001) == "p=.001"


def test_other_texts_and_other_commits_are_told(results: list[Result]) -> None:
    other = replace(
        results[1].provenance,
        corpus_sha256="f" * 64,
        commit="fff",
        started="2026-02-01T00:00:00+00:00",
    )
    mixed = [results[0], replace(results[1], provenance=other)]
    text, table = Page(report_html(mixed)).text, report_markdown(mixed)
    for form in (text, table):
        assert "注意：这些结果的原文不同（2 份）" in form
        assert "提交 abc1234+ – fff（2 个不同的）" in form
    assert "注意" not in Page(report_html(results)).text + report_markdown(results)


def test_the_last_system_against_the_first_is_told_without_a_verdict(make_result: Make) -> None:
    results = [make_result("one", [1, 2, 1]), make_result("two", [1, 1, 1], above="one")]
    results.append(make_result("three", [1, 1, 1], above="two"))
    text = Page(report_html(results)).text
    assert (
        "three 与 one 相比（evidence@1）：差 +.333 [.000, +1.000]，p=1.000（未校正，只作描述）。"
        in text
    )
    assert "双侧 .05/2，功效 80%" in text


def test_without_districts_there_is_no_matrix(results: list[Result]) -> None:
    assert 'class="matrix"' in report_html(results)
    unplaced = [
        replace(result, outcomes=tuple(replace(o, districts=()) for o in result.outcomes))
        for result in results
    ]
    assert 'class="matrix"' not in report_html(unplaced)


def test_a_system_whose_counterpart_is_not_here_says_so(make_result: Make) -> None:
    text = Page(report_html([make_result("two", [1, 1, 1], above="one")])).text
    assert "two 要与 one 比较，但这里没有 one 的结果。" in text


def test_a_single_system_has_nothing_to_be_compared_with(make_result: Make) -> None:
    text = Page(report_html([make_result("one", [1, 1, 1])])).text
    assert "one 是这里唯一的一行，没有可比的系统。" in text
    assert "每题的证据都排在第一。" in text


def test_a_report_on_documents_has_their_measures(results: list[Result]) -> None:
    documents = [
        replace(
            result,
            questions=tuple(replace(question, quotes=()) for question in result.questions),
            outcomes=tuple(replace(outcome, evidence=()) for outcome in result.outcomes),
        )
        for result in results
    ]
    text = Page(report_html(documents)).text
    assert "4 题，其中 1 题没有答案" in text
    assert "nDCG@10R@10RR@10Success@1" in text
    assert "切分缺陷" not in text


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a report needs a result"):
        report_html([])


def test_every_word_is_used_and_has_both_languages() -> None:
    sources = "".join(
        (EVAL / name).read_text("utf-8")
        for name in ("report.html", "report.py", "chapter.py", "figures.py", "footnotes.py")
    )
    unused = [key for key in WORDS if not re.search(rf'w\.{key}\b|"{key}"', sources)]
    assert unused == []
    assert all(phrase.zh and phrase.en for phrase in (*WORDS.values(), *NAMES.values()))


def test_a_negative_number_has_a_true_minus_and_nought_has_no_sign() -> None:
    assert (decimal(-0.012), signed(-0.012)) == ("−.012", "−.012")
    assert (decimal(-0.0001), signed(0.0001), signed(0.04)) == (".000", ".000", "+.040")
    assert (decimal(-12.34, 1), decimal(0.0, 0)) == ("−12.3", "0")
