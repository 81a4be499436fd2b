"""`/v1/models`, by OpenAI's own client over a real socket."""

from __future__ import annotations

import openai
import pytest
from openai import OpenAI
from starlette.testclient import TestClient

from api.openai_models import CHAT_MODELS
from tests.api.lengths import Lengths, of_encoder


def test_the_models_are_the_assistant_and_two_of_the_encoder(ai: OpenAI) -> None:
    models = ai.models.list().data

    assert [model.id for model in models] == [*CHAT_MODELS, "lengths", "lengths:query"]
    assert {(model.object, model.owned_by) for model in models} == {("model", "casebook")}
    assert all(isinstance(model.created, int) and model.created > 1_700_000_000 for model in models)


def test_a_model_is_looked_up_by_its_id(ai: OpenAI) -> None:
    assert ai.models.retrieve("lengths:query").id == "lengths:query"
    with pytest.raises(openai.NotFoundError) as raised:
        ai.models.retrieve("gpt-4")

    assert raised.value.body == {
        "message": "没有模型 'gpt-4'；可用的模型见 GET /v1/models。",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_a_name_with_a_slash_is_found_and_a_remote_ones_address_is_not_told() -> None:
    for name, id_ in [
        ("BAAI/bge-small-zh-v1.5", "BAAI/bge-small-zh-v1.5"),
        ("openai:bge-m3@http://10.0.0.7/v1", "bge-m3"),
    ]:
        client = TestClient(of_encoder(Lengths(name)))
        ids = [model["id"] for model in client.get("/models").json()["data"]]
        assert ids == [*CHAT_MODELS, id_, f"{id_}:query"]
        assert client.get(f"/models/{id_.replace('/', '%2F')}").json()["id"] == id_
