"""What the service might answer, written down, and the replies that carry it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.browser.stage import Gate, Reply


def passage(number: int | None, **changes: Any) -> dict[str, Any]:
    """A passage of an answer; a change named as a field of its citation is one of that."""
    citation = {
        "label": "静安区《智能退税》",
        "case_id": "c0000000001",
        "title": "智能退税",
        "district": "静安区",
        "districts": ["静安区"],
        "collection": "某市2023年优秀案例",
        "case_rank": 5,
        "year": 2023,
        "section": ["主要做法", "一键退税"],
        "source": {"file": "某市.txt", "sha256": "0" * 64, "start": 100, "end": 120},
        "url": "/cases/c0000000001?v=1#p=100-120",
    }
    whole = {
        "rank": number or 9,
        "passage_id": f"{changes.get('case_id', citation['case_id'])}:{number or 9}00-120",
        "text": "𠮷祥大厦推行智能退税，三日到账。企业不跑窗口。",
        "score": 0.5,
        "highlights": [[8, 10]],
        "other_district": False,
        "citation": citation,
    }
    if number is not None:
        whole["number"] = number
    for name, value in changes.items():
        (citation if name in citation else whole)[name] = value
    return whole


def sentence(text: str, *numbers: int, place: tuple[int, int] | None = None, lead: str = "") -> Any:
    """A sentence of an answer."""
    source = {"start": place[0], "end": place[1]} if place else None
    return {"text": text, "citations": list(numbers), "source": source, "lead": lead}


FIRST = sentence("𠮷祥大厦推行智能退税，三日到账。", 1, place=(100, 116))
SECOND = sentence("企业不跑窗口。", 1, 2, place=(116, 123))


def whole_answer(**changes: Any) -> dict[str, Any]:
    """An answer of two sentences from two cases."""
    other = passage(
        2,
        case_id="c0000000002",
        title="帮办代办",
        district="嘉定区",
        districts=["嘉定区"],
        collection="某市优秀案例",
        case_rank=None,
        section=[],
        url="/cases/c0000000002#p=1-9",
        other_district=True,
        text="帮办员上门，企业不跑窗口。",
        highlights=[],
    )
    return {
        "query": "退税几天到账",
        "index_version": "v000001",
        "mode": "extractive",
        "abstained": False,
        "confidence": 0.9,
        "reason": None,
        "named_districts": [],
        "took_ms": 3.0,
        "answer": {"text": "三日到账。[1]", "sentences": [FIRST, SECOND]},
        "citations": [passage(1), other],
        "nearest": [],
        "checking": None,
        **changes,
    }


def refusal(reason: str = "not_in_collection", **changes: Any) -> dict[str, Any]:
    """An answer that is none."""
    text = "案例集里没有与这个问题有关的内容。最接近的是：……"
    answer = {"text": text, "sentences": []}
    return whole_answer(abstained=True, reason=reason, answer=answer, **changes)


def event(name: str, data: object) -> bytes:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


class Answers:
    """Replies of ``POST /api/v1/ask``, and what they are made of."""

    passage = staticmethod(passage)
    sentence = staticmethod(sentence)
    whole = staticmethod(whole_answer)
    refusal = staticmethod(refusal)
    event = staticmethod(event)

    def as_json(self, body: object, status: int = 200, **headers: str) -> Reply:
        """One body of JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body, ensure_ascii=False).encode()
        return Reply([content], status, {"content-type": "application/json", **named})

    def events(self, answer: dict[str, Any]) -> list[bytes]:
        """The events of an answer."""
        deltas = [{"text": it["text"], "sentence": it} for it in answer["answer"]["sentences"]]
        if answer["abstained"]:
            deltas = [{"text": answer["answer"]["text"], "sentence": None}]
        return [
            event("meta", answer),
            event("citations", answer),
            *(event("delta", delta) for delta in deltas),
            event("done", answer),
        ]

    def as_stream(self, *pieces: bytes | Gate) -> Reply:
        """Pieces of a stream of events."""
        return Reply(pieces, headers={"content-type": "text/event-stream; charset=utf-8"})

    def streamed(self, answer: dict[str, Any] | None = None) -> Reply:
        """An answer as events, by default one of two sentences."""
        return self.as_stream(*self.events(answer or whole_answer()))

    def suggestions(self, *questions: str, cases: Sequence[str] = ()) -> Reply:
        """Suggested questions, and titles of cases."""
        listed = [
            {"text": text, "kind": "question", "case_id": None, "highlights": [[0, 2]]}
            for text in questions
        ] + [
            {"text": text, "kind": "case", "case_id": "c0000000003", "highlights": [[0, 2]]}
            for text in cases
        ]
        return self.as_json({"query": "", "suggestions": listed})
