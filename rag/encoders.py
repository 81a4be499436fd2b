"""A name -> the encoder it stands for: a prepared model, or a remote endpoint."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rag.encoder import Encoder
from rag.encoder_file import FILE_NAME, EncoderFile, prepare_command, read_encoder_file
from rag.errors import ModelError
from rag.models import KNOWN_QUERY_PROMPTS, is_path, model_folder, parse_remote, source_of


def load_encoder(
    name: str,
    models: Path,
    *,
    query_prompt: str | None = None,
    passage_prompt: str | None = None,
    shared: bool = False,
) -> Encoder:
    """Load the encoder that a user or an index names.

    Args:
        name: A prepared model's name, the path it was prepared from, or ``openai:MODEL@URL`` for a
            server that offers ``/v1/embeddings``; its key, if it wants one, is read from
            ``CASEBOOK_ENCODER_KEY`` so that it never stands in an index or a process list.
        models: Where prepared models are.
        query_prompt: Put before every question. None: for a remote model what its page says, if
            it is known, else nothing; for a prepared one, what it was prepared with.
        passage_prompt: Put before every passage; likewise.
        shared: Whether several questions will be asked of it at once; see `rag.graph.Graph`.

    Raises:
        ModelError: If the model is not prepared, or with other prompts, or its files have changed.
        EncoderUnavailableError: If the remote server does not answer.
    """
    if remote := parse_remote(name):
        from rag.remote import (  # noqa: PLC0415 -- httpx, which a local model spares
            RemoteEncoder,
            RemoteOptions,
        )

        model, url = remote
        if query_prompt is None:
            query_prompt = KNOWN_QUERY_PROMPTS.get(model, "")
        options = RemoteOptions(query_prompt=query_prompt, passage_prompt=passage_prompt or "")
        key = os.environ.get("CASEBOOK_ENCODER_KEY")
        return RemoteEncoder(url, model, api_key=key, options=options)
    from rag.embed import OnnxEncoder  # noqa: PLC0415 -- onnxruntime, which a remote one spares

    folder = model_folder(name, models)
    record = _record(name, folder)
    _require_prompts(record, query_prompt, passage_prompt)
    return OnnxEncoder(folder, shared=shared)


def _record(name: str, folder: Path) -> EncoderFile:
    """Read what the folder of a name says about itself, and see that it is the one that is meant.

    Raises:
        ModelError: If it is not prepared, or from another path with the same last part.
    """
    # Told here: only here it is known what the user typed, which the folder's name need not tell.
    if not (folder / FILE_NAME).is_file():
        message = (
            f"{folder} 里没有准备好的模型（缺少 {FILE_NAME}）；请运行：{prepare_command(name)}"
        )
        raise ModelError(message)
    record = read_encoder_file(folder)
    if is_path(name) and record.source != source_of(name):
        message = f"{folder} 是由 {record.source} 准备的；请运行：{prepare_command(name)}"
        raise ModelError(message)
    return record


def _require_prompts(record: EncoderFile, query: str | None, passage: str | None) -> None:
    """Refuse prompts that a model was not prepared with.

    Raises:
        ModelError: If they differ; with the command that prepares it with those asked for.
    """
    found = (record.identity.query_prompt, record.identity.passage_prompt)
    asked = (found[0] if query is None else query, found[1] if passage is None else passage)
    if asked == found:
        return
    message = (
        f"{record.identity.name} 准备时的指令是：问题前 {found[0]!r}、原文前 {found[1]!r}；"
        f"现在要求：问题前 {asked[0]!r}、原文前 {asked[1]!r}；"
        f"请运行：{prepare_command(record.source)} "
        f"--query-prompt {shlex.quote(asked[0])} --passage-prompt {shlex.quote(asked[1])}"
    )
    raise ModelError(message)
