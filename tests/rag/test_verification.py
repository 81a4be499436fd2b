from __future__ import annotations

import pytest

from rag.cases import read_cases
from rag.errors import NothingToVerifyError, StaleCitationError, UnknownCaseError
from rag.haystack import Haystack
from rag.quote import Match, find_quote
from rag.source import decode
from rag.types import Case, Span
from rag.verification import MAX_PLACES, CitedPlace, Verifier, verify_text

TEXT = """上海市2022年度各区优化营商环境优秀案例
排名1
智能退税一键到账
一、基本情况
静安区𠮷祥大厦推行智能退税，3天到账。企业说“不用跑腿”。
排名2
快办营业执照
浦东新区开办企业一天办结，营业执照当场领取。
排名3
智能退税一键到账
一、基本情况
静安区𠮷祥大厦推行智能退税，3天到账。企业说“不用跑腿”。
"""


@pytest.fixture(scope="module")
def cases() -> tuple[Case, ...]:
    return read_cases([decode("案例.txt", TEXT.encode())])


@pytest.fixture(scope="module")
def verifier(cases: tuple[Case, ...]) -> Verifier:
    return Verifier(cases)


def test_each_quotation_has_its_verdict_and_the_text_the_worst(verifier: Verifier) -> None:
    text = "据介绍，“智能退税，3天到账”，“营业执照当场领走”，“火箭发射”"
    found = verifier.verify(text)

    assert (found.scope, found.verdict) == ("quotes", "absent")
    assert [(q.text, q.verdict) for q in found.quotes] == [
        ("智能退税，3天到账", "exact"),
        ("营业执照当场领走", "fuzzy"),
        ("火箭发射", "absent"),
    ]
    assert all(quote.span.of(text) == quote.text for quote in found.quotes)


def test_a_place_is_cited_like_everything_else(verifier: Verifier) -> None:
    (quote,) = verifier.verify("“智能退税，3天到账”").quotes
    (place,) = quote.places

    assert quote.found == 1  # the repeated case is told by its original
    assert place.citation.section == ("基本情况",)
    assert place.citation.start == TEXT.index("智能退税，3")
    assert TEXT[place.citation.start : place.citation.end] == place.text == "智能退税，3天到账"
    assert f"#p={place.citation.start}-{place.citation.end}" in place.citation.url


def test_right_words_of_the_wrong_case_are_absent_there_and_found_elsewhere(
    verifier: Verifier, cases: tuple[Case, ...]
) -> None:
    (quote,) = verifier.verify("“智能退税，3天到账”", CitedPlace(cases[1].case_id)).quotes

    assert (quote.verdict, quote.places, quote.found) == ("absent", (), 0)
    assert [place.citation.case_id for place in quote.elsewhere] == [cases[0].case_id]
    (here,) = verifier.verify("“智能退税，3天到账”", CitedPlace(cases[0].case_id)).quotes
    assert (here.verdict, here.elsewhere) == ("exact", ())


def test_a_repeated_case_that_is_cited_is_verified_at_its_own_place(
    verifier: Verifier, cases: tuple[Case, ...]
) -> None:
    assert cases[2].duplicate_of == cases[0].case_id
    (quote,) = verifier.verify("“3天到账”", CitedPlace(cases[2].case_id)).quotes
    assert quote.places[0].citation.start == TEXT.rindex("3天到账")


def test_a_wrong_number_is_told_wherever_its_nearest_place_is(
    verifier: Verifier, cases: tuple[Case, ...]
) -> None:
    (quote,) = verifier.verify("推行智能退税，5天到账").quotes
    assert (quote.verdict, quote.numbers_differ) == ("fuzzy", True)
    (other,) = verifier.verify("推行智能退税，5天到账", CitedPlace(cases[1].case_id)).quotes
    assert (other.verdict, other.numbers_differ) == ("absent", True)
    assert other.elsewhere[0].similarity < 1


def test_within_a_passage_only_its_characters_count(
    verifier: Verifier, cases: tuple[Case, ...]
) -> None:
    start = TEXT.index("静安区")
    span = Span(start, TEXT.index("企业说"))
    inside = CitedPlace(cases[0].case_id, span, cases[0].source.sha256.upper())
    assert verifier.verify("“智能退税，3天到账。”", inside).verdict == "exact"
    (quote,) = verifier.verify("『不用跑腿』", inside).quotes
    assert quote.verdict == "absent"
    assert quote.elsewhere[0].citation.case_id == cases[0].case_id


def test_sentences_copied_with_their_marks_are_verified_whole(verifier: Verifier) -> None:
    copied = verifier.verify("企业说“不用跑腿”。")
    assert (copied.scope, copied.verdict) == ("sentences", "exact")
    changed = verifier.verify("企业都说“不用跑腿”。")
    assert (changed.scope, changed.verdict) == ("quotes", "exact")
    assert verifier.verify("企业都说“不用跑腿”。", scope="sentences").verdict == "fuzzy"
    assert verifier.verify("企业说“不用跑腿”。", scope="quotes").quotes[0].text == "不用跑腿"


def test_many_places_are_counted_and_a_few_told() -> None:
    text = "排名1\n某案例\n" + "一网通办改革。\n" * 30
    (quote,) = verify_text(read_cases([decode("a.txt", text.encode())]), "“一网通办”").quotes
    assert (quote.found, len(quote.places)) == (30, MAX_PLACES)


def test_a_citation_that_no_longer_holds_is_an_error_in_words(
    verifier: Verifier, cases: tuple[Case, ...]
) -> None:
    case = cases[1]
    with pytest.raises(UnknownCaseError, match="没有编号为 c0 的案例"):
        verifier.verify("退税", CitedPlace("c0"))
    with pytest.raises(StaleCitationError, match=r"所引的文件已不是现在的 案例\.txt"):
        verifier.verify("退税", CitedPlace(case.case_id, sha256="0" * 64))
    with pytest.raises(StaleCitationError, match=f"所引的位置 0-5 不在案例 {case.case_id} 之内"):
        verifier.verify("退税", CitedPlace(case.case_id, Span(0, 5)))
    with pytest.raises(StaleCitationError, match="所引的位置 100-9999"):
        verifier.verify("退税", CitedPlace(case.case_id, Span(100, 9999)))


def test_a_text_without_words_has_nothing_to_verify(verifier: Verifier) -> None:
    with pytest.raises(NothingToVerifyError, match="没有可以核对的文字"):
        verifier.verify("……“”[1]")
    with pytest.raises(NothingToVerifyError, match="没有带引号的文字可以核对"):
        verifier.verify("退税", scope="quotes")


def test_a_quotation_that_is_repeated_is_looked_for_once(
    verifier: Verifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def counted(parts: tuple[str, ...], haystack: Haystack) -> tuple[Match, ...]:
        asked.append(parts)
        return find_quote(parts, haystack)

    monkeypatch.setattr("rag.verification.find_quote", counted)
    found = verifier.verify("“退税”" * 40 + "“火箭”" * 40, scope="quotes")

    assert asked == [("退税",), ("火箭",)]
    assert [quote.verdict for quote in found.quotes] == ["exact"] * 40 + ["absent"] * 40
    assert [quote.span.start for quote in found.quotes] == list(range(1, 320, 4))
    assert len({quote.places for quote in found.quotes}) == 2
