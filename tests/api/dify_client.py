"""What Dify sends and expects of an external knowledge base."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx

KEY = "s3cret"
ABSENT = object()

SAMPLE = {
    "knowledge_id": "all",
    "query": "智能退税三天到账",
    "retrieval_setting": {"top_k": 2, "score_threshold": 0.5},
}
"""The request that Dify documents, with our names in it."""


@dataclass(frozen=True)
class Dify:
    """What Dify does with an external knowledge base: checks its address, then retrieves."""

    endpoint: str
    api_key: str = KEY
    knowledge_id: str = "all"

    def check_endpoint_and_api_key(self) -> None:
        response = httpx.post(
            f"{self.endpoint}/retrieval", headers={"Authorization": f"Bearer {self.api_key}"}
        )
        if response.status_code in {502, 404, 403}:
            raise ValueError(response.status_code)

    def ask(
        self,
        query: object,
        *,
        top_k: object = 2,
        score_threshold: object = 0.0,
        metadata_condition: object = None,
    ) -> httpx.Response:
        parameters = {
            "retrieval_setting": {"top_k": top_k, "score_threshold": score_threshold},
            "query": query,
            "knowledge_id": self.knowledge_id,
            "metadata_condition": metadata_condition,
        }
        if metadata_condition is ABSENT:
            del parameters["metadata_condition"]
        headers = {"Content-Type": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return httpx.post(
            f"{self.endpoint}/retrieval",
            content=json.dumps(parameters),
            headers=headers,
            follow_redirects=True,
        )

    def retrieve(self, query: str, **more: object) -> list[dict[str, Any]]:
        """The records, as documents of the workflow; whatever is not a 200 is swallowed."""
        response = self.ask(query, **more)
        records = response.json().get("records", []) if response.status_code == 200 else []
        for record in records:
            assert 0 <= record["score"] <= 1
            assert isinstance(record["content"], str)
            metadata = record["metadata"]  # null would end the workflow here
            metadata["score"], metadata["title"] = record["score"], record["title"]
        return records


def refused(response: httpx.Response) -> tuple[int, int]:
    """Take a refusal apart: its status and Dify's code."""
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error_code", "error_msg"}
    assert isinstance(body["error_code"], int)
    assert body["error_msg"]
    return response.status_code, body["error_code"]
