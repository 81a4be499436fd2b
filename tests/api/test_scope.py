from __future__ import annotations

from dataclasses import fields

import pytest

from api.scope import Options, RequestRefusedError, Scope


def test_options_are_the_fields_of_a_scope() -> None:
    assert [field.name for field in fields(Scope)] == list(Options.__annotations__)


def test_one_value_of_a_filter_is_a_list_of_one() -> None:
    scope = Scope(
        top_k=3, district="静安区", collection=("优秀案例",), year=2022, case_id=["a", "b"]
    )
    assert scope.request(" 退税 ").model_dump(exclude_defaults=True) == {
        "query": "退税",
        "top_k": 3,
        "filters": {
            "district": ["静安区"],
            "collection": ["优秀案例"],
            "year": [2022],
            "case_id": ["a", "b"],
        },
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top_k": 0}, "top_k：不能小于 1。请改正后重试。"),
        ({"top_k": 51}, "top_k：不能大于 50。请改正后重试。"),
        ({"top_k": "5"}, "top_k：应为整数。请改正后重试。"),
        ({"year": "2022"}, "filters.year[0]：应为整数。请改正后重试。"),
        ({"district": None}, "filters.district[0]：应为字符串。请改正后重试。"),
        (
            {"district": " ", "case_id": [7]},
            "filters.district[0]：是空的，请填写内容；filters.case_id[0]：应为字符串。请改正后重试。",
        ),
    ],
)
def test_a_wrong_option_is_refused_before_any_question(options: Options, message: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        Scope(**options)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("", "query：是空的，请填写内容。请改正后重试。"),
        ("问" * 501, "query：最多 500 个字，现有 501 个。请改正后重试。"),
    ],
)
def test_a_question_that_no_service_would_take_is_refused(question: str, message: str) -> None:
    with pytest.raises(RequestRefusedError) as refused:
        Scope().request(question)
    assert str(refused.value) == message
