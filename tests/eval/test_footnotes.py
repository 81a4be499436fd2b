"""What stands beside the numbers of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from eval.footnotes import (
    caption_of,
    commits_of,
    corpus_warning,
    corpus_warnings,
    footnotes_of,
)
from eval.phrase import Phrase
from eval.result import Result
from eval.rows import report_rows

Make = Callable[..., Result]


def changed(result: Result, **fields: str) -> Result:
    return replace(result, provenance=replace(result.provenance, **fields))


def test_results_of_the_same_texts_need_no_warning(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [1, 1, 1])]
    assert corpus_warning(results) is None
    assert corpus_warnings(results) == ()


def test_results_of_other_texts_are_told_by_digest_and_system(make_result: Make) -> None:
    one, two, three = (make_result(name, [1, 1, 1]) for name in ("one", "two", "three"))
    results = [one, changed(two, corpus_sha256="f" * 64), three]
    assert corpus_warning(results) == Phrase(
        "注意：这些结果的原文不同（2 份），差别可能出自原文而不是系统。11：one、three；ffffffff：two",
        "Beware: these results are of 2 different collections of texts, so differences may stem "
        "from the texts rather than the systems. 11: one, three; ffffffff: two",
    )


def test_datasets_have_texts_of_their_own(make_result: Make) -> None:
    one = make_result("one", [1, 1, 1])
    other = changed(make_result("one", [1, 1, 1], dataset="另一集"), corpus_sha256="f")
    assert corpus_warnings([one, other]) == ()
    (warning,) = corpus_warnings([one, other, changed(other, system="two", corpus_sha256="e")])
    assert warning.zh.startswith("另一集：注意：这些结果的原文不同（2 份）")


def test_several_commits_are_a_range_by_time(make_result: Make) -> None:
    one, two, three = (make_result(name, [1, 1, 1]) for name in ("one", "two", "three"))
    late = changed(one, started="2026-02-01T00:00:00+00:00", commit="fff")
    assert commits_of([two, three]) == Phrase("提交 abc1234+", "commit abc1234+")
    assert commits_of([late, two]).zh == "提交 abc1234+ – fff（2 个不同的）"
    assert commits_of([late, changed(two, commit="")]).en == (
        "commits not under git – fff (2 distinct)"
    )
    assert commits_of([changed(one, commit="")]).zh == "不在 git 中"


def test_the_caption_has_n_or_its_range(make_result: Make) -> None:
    result = make_result("one", [1, 1, 1])
    assert caption_of(report_rows([result])).zh == "n=3，均值与 95% 区间（按题自助抽样）"
    fewer = replace(result, values={**result.values, "RR@10": {"Q1": 1.0}})
    assert caption_of(report_rows([fewer])).zh.startswith("n=1–3，")


def test_notes_tell_the_family_the_few_and_the_costs(make_result: Make) -> None:
    results = [make_result("one", [1, 1, 1]), make_result("two", [1, 1, 2], above="one")]
    results.append(make_result("three", [1, 1, 1], above="one"))
    family, few, costs = footnotes_of(report_rows(results))
    assert family.zh.startswith("结论只看 evidence@1：每行一个比较，2 个为一族")
    assert ".05/2 的水平" in family.zh
    assert "区间一律未校正" in family.zh
    assert few.zh == "* 不足 10 题：区间不可靠，不宜下结论。"
    assert costs.zh.startswith("内存是进程峰值，含此前各行已载入的模型。建库时间不含取自缓存的向量")


def test_what_is_not_there_needs_no_note(make_result: Make) -> None:
    result = replace(make_result("one", [1, 1, 1]), cost=None)
    many = {"evidence@1": {f"Q{number}": 1.0 for number in range(10)}}
    assert footnotes_of(report_rows([replace(result, values=many)])) == ()
