"""Questions of all kinds, for properties that hold of every one."""

from __future__ import annotations

from hypothesis import strategies as st

from eval.questions import Question, is_one_column


def questions_of(texts: st.SearchStrategy[str]) -> st.SearchStrategy[list[Question]]:
    """Several questions with ids of their own, at least one with a quotation, made of such texts."""
    words = texts.filter(lambda text: text.strip())
    one = st.builds(
        Question,
        question_id=texts.filter(is_one_column),
        type=words,
        text=words,
        quotes=st.lists(words, max_size=3).map(tuple),
        mode=st.sampled_from(["any", "all"]),
        answer=texts,
    )
    return st.lists(one, unique_by=lambda question: question.question_id).filter(
        lambda several: any(question.quotes for question in several)
    )
