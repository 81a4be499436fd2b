"""An `AnswerRun` as one JSON value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from eval.answer_report import figures_of, latency_of, misses_of, slices_in
from eval.answer_run import AnswerRun
from rag.answer import Answer


def record_of(run: AnswerRun) -> dict[str, Any]:
    """Write a run as one JSON value: enough to look every answer up, and to count again."""
    latency = latency_of(run.paces)
    return {
        "provenance": asdict(run.provenance),
        "figures": [asdict(figure) for figure in figures_of(run.scores)],
        "latency": None
        if latency is None
        else {**asdict(latency), "ratio_p50": latency.ratio_p50, "ratio_p95": latency.ratio_p95},
        "slices": {name: [asdict(row) for row in rows] for name, rows in slices_in(run).items()},
        "misses": asdict(misses_of(run.scores)),
        "questions": list(_questions(run)),
    }


def _questions(run: AnswerRun) -> Iterator[dict[str, Any]]:
    for reference, answer, scores, pace in zip(
        run.references, run.answers, run.scores, run.paces, strict=True
    ):
        yield {
            "question": reference.question.text,
            "quotes": list(reference.question.quotes),
            **asdict(scores),
            "milliseconds": asdict(pace),
            "mode_of_answer": answer.mode,
            "text": answer.text,
            "places": _places(answer),
        }


def _places(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "passages": [
                answer.evidence[number - 1].hit.passage.passage_id for number in one.citations
            ],
            "start": one.place.start if one.place else None,
            "end": one.place.end if one.place else None,
        }
        for one in answer.sentences
    ]
