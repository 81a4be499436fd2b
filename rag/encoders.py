"""A name -> the encoder it stands for: a prepared model, or a remote endpoint."""

from __future__ import annotations

import os
from pathlib import Path

from rag.encoder import Encoder
from rag.models import model_folder


def load_encoder(name: str, models: Path) -> Encoder:
    """Load the encoder that a user or an index names.

    Args:
        name: A prepared model's name, or ``openai:MODEL@URL`` for a server that offers
            ``/v1/embeddings``; its key, if it wants one, is read from ``CASEBOOK_ENCODER_KEY``
            so that it never stands in an index or a process list.
        models: Where prepared models are.

    Raises:
        ModelError: If the model is not prepared, or its files have changed.
        EncoderUnavailableError: If the remote server does not answer.
    """
    if remote := parse_remote(name):
        from rag.remote import RemoteEncoder  # noqa: PLC0415 -- httpx, which a local model spares

        model, url = remote
        return RemoteEncoder(url, model, api_key=os.environ.get("CASEBOOK_ENCODER_KEY"))
    from rag.embed import OnnxEncoder  # noqa: PLC0415 -- onnxruntime, which a remote one spares

    return OnnxEncoder(model_folder(name, models))


def parse_remote(name: str) -> tuple[str, str] | None:
    """Split ``openai:MODEL@URL`` into model and URL; None for any other name.

    >>> parse_remote("openai:bge-m3@http://127.0.0.1:9997/v1")
    ('bge-m3', 'http://127.0.0.1:9997/v1')
    """
    if not name.startswith("openai:") or "@http" not in name:
        return None
    model, _, url = name.removeprefix("openai:").rpartition("@")
    return model, url
