"""Long messages -> the clauses that ask."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rag.focus import focused


def test_clauses_of_half_the_heaviest_weight_stay_in_their_order() -> None:
    contrasts = {"我们在静安，": 0.5, "喂，": 0.1, "退税几天到账？": 0.5, "谢谢。": 0.1}
    message = "喂，我们在静安，退税几天到账？谢谢。"
    assert focused(message, contrasts.__getitem__) == "我们在静安，退税几天到账？"


def test_a_clause_weighs_by_its_terms() -> None:
    """三 terms against thirteen: a short clause fits something by chance."""
    assert focused("好的，企业退税几天到账", lambda _clause: 0.4) == "企业退税几天到账"


def test_who_speaks_without_a_pause_is_cut_every_forty_characters() -> None:
    seen: list[str] = []
    focused("退税" * 50, lambda clause: float(bool(seen.append(clause))))
    assert [len(clause) for clause in seen] == [40, 40, 20]


def test_a_message_in_which_nothing_stands_out_is_asked_as_it_is() -> None:
    assert focused("喂，你好。", lambda _clause: 0.0) == "喂，你好。"
    assert focused("……！？", lambda _clause: 1.0) == "……！？"
    assert focused("", lambda _clause: 1.0) == ""


@given(st.text(st.sampled_from("退税几天到账，。？喂 \n")))
def test_what_is_kept_stands_in_the_message_in_order(message: str) -> None:
    kept = iter(message)
    assert all(character in kept for character in focused(message, lambda c: float(len(c) % 3)))


def test_however_many_clauses_there_are_few_are_weighed() -> None:
    weighed: list[str] = []

    def contrast(clause: str) -> float:
        weighed.append(clause)
        return float("退" in clause)

    assert focused("税，" * 100 + "退税几天？" + "好，" * 100, contrast).count("退税") == 1
    assert 0 < len(weighed) <= 40
    assert len("".join(weighed)) == 405
