"""A known model's packaged files -> a plain sentence-transformers folder with safetensors.

After this step a known model is a model like any other: one exporter serves all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from rag.errors import ModelError
from rag.preparation.catalogue import M3E_SMALL, MULTILINGUAL_E5_SMALL
from rag.preparation.e5_q4 import BlockTable, Q4File, read_q4_file
from rag.preparation.export import read_pickle, token_pieces
from rag.preparation.vocabulary import trim_tokenizer

_MODULES = [
    ("0", "", "sentence_transformers.models.Transformer"),
    ("1", "1_Pooling", "sentence_transformers.models.Pooling"),
]

# Short names in the 4-bit file, and what transformers calls the same parts of a layer.
_LINEAR = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def rebuild_m3e_small(files: Path, folder: Path) -> None:
    """Turn the files of the package into a folder that sentence-transformers loads.

    Mean pooling, no prompts and no normalisation, as the authors use it (``uniem``, ``last_mean``).

    Args:
        files: Folder with ``config.json``, ``tokenizer.json`` and ``pytorch_model.bin``.
        folder: Existing empty folder to write to.

    Raises:
        ModelError: If the pickle is not the known one.
    """
    pickle = M3E_SMALL.weights
    tensors = read_pickle(files / pickle.name, pickle.sha256)
    config = json.loads((files / "config.json").read_text(encoding="utf-8"))
    write_pipeline(
        folder,
        config=config,
        tensors=tensors,
        tokenizer=(files / "tokenizer.json").read_text(encoding="utf-8"),
        special_tokens={
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "mask_token": "[MASK]",
        },
    )


def rebuild_e5_small(files: Path, folder: Path, texts: Sequence[str]) -> BlockTable:
    """Turn the 4-bit weights into a folder that sentence-transformers loads, trimmed to our text.

    Args:
        files: Folder with ``e5-small-q4.bin`` and the untrimmed ``tokenizer.json``.
        folder: Existing empty folder to write to.
        texts: Real text on which trimmed and untrimmed tokenizer are compared.

    Returns:
        The embedding table of the pieces kept, in the file's own precision, for
        ``rag.preparation.export.write_graph``.

    Raises:
        ModelError: If the weights are damaged or belong to another tokenizer, or if trimming
            changed how a text is split.
    """
    weights = read_q4_file(files / MULTILINGUAL_E5_SMALL.weights.name)
    full = (files / "tokenizer.json").read_text(encoding="utf-8")
    if tuple(piece for piece, _ in json.loads(full)["model"]["vocab"]) != weights.pieces:
        message = f"{files} 里 tokenizer.json 与 e5-small-q4.bin 的词元编号不一致"
        raise ModelError(message)
    trimmed = trim_tokenizer(full)
    for text, before, after in zip(
        texts, token_pieces(full, texts), token_pieces(trimmed.text, texts), strict=True
    ):
        if before != after:
            message = f"裁剪词表后，“{text}”的切分变了；没有写入任何文件"
            raise ModelError(message)
    table = weights.table("emb.word", weights.sizes.hidden).take(trimmed.kept)
    sizes = weights.sizes
    write_pipeline(
        folder,
        config={
            "model_type": "bert",
            "architectures": ["BertModel"],
            "hidden_act": "gelu",
            "hidden_size": sizes.hidden,
            "num_hidden_layers": sizes.layers,
            "num_attention_heads": sizes.heads,
            "intermediate_size": sizes.ffn,
            "vocab_size": len(trimmed.kept),
            "max_position_embeddings": sizes.positions,
            "type_vocab_size": sizes.segments,
            "layer_norm_eps": sizes.epsilon,
        },
        tensors=_bert_tensors(weights) | {"embeddings.word_embeddings.weight": table.dense()},
        tokenizer=trimmed.text,
        special_tokens={
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        prompts={
            "query": MULTILINGUAL_E5_SMALL.query_prompt,
            "passage": MULTILINGUAL_E5_SMALL.passage_prompt,
        },
    )
    return table


def _bert_tensors(weights: Q4File) -> dict[str, NDArray[np.float32]]:
    """All weights but the word embeddings, by the names that transformers gives them."""
    sizes = weights.sizes
    tensors = {
        "embeddings.position_embeddings.weight": weights.vector("emb.pos").reshape(
            sizes.positions, sizes.hidden
        ),
        "embeddings.token_type_embeddings.weight": weights.vector("emb.type").reshape(
            sizes.segments, sizes.hidden
        ),
        "embeddings.LayerNorm.weight": weights.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": weights.vector("emb.ln.b"),
    }
    for layer in range(sizes.layers):
        for short, long in _LINEAR.items():
            width = sizes.ffn if short == "fo" else sizes.hidden
            name = f"encoder.layer.{layer}.{long}"
            tensors[f"{name}.weight"] = weights.table(f"l{layer}.{short}.w", width).dense()
            tensors[f"{name}.bias"] = weights.vector(f"l{layer}.{short}.b")
        for short, long in _NORMS.items():
            name = f"encoder.layer.{layer}.{long}"
            tensors[f"{name}.weight"] = weights.vector(f"l{layer}.{short}.w")
            tensors[f"{name}.bias"] = weights.vector(f"l{layer}.{short}.b")
    return tensors


def write_pipeline(
    folder: Path,
    *,
    config: dict[str, object],
    tensors: dict[str, NDArray[np.float32]],
    tokenizer: str,
    special_tokens: dict[str, str],
    prompts: dict[str, str] | None = None,
) -> None:
    """Write a transformer with mean pooling in the layout of sentence-transformers.

    Args:
        folder: Existing empty folder.
        config: The transformer's ``config.json``; needs ``max_position_embeddings``.
        tensors: Weights by the names that transformers gives them.
        tokenizer: Content of ``tokenizer.json``; used verbatim.
        special_tokens: ``pad_token`` and its like, with the token each stands for.
        prompts: By the names of sentence-transformers: ``query`` and ``passage``; None for none.
    """
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "tokenizer.json").write_text(tokenizer, encoding="utf-8")
    longest = config["max_position_embeddings"]
    # PreTrainedTokenizerFast takes tokenizer.json as it stands; a class by the model's own name
    # would build its own idea of it.
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        **special_tokens,
    }
    modules = [
        {"idx": i, "name": name, "path": path, "type": kind}
        for i, (name, path, kind) in enumerate(_MODULES)
    ]
    pooling = {
        "word_embedding_dimension": config["hidden_size"],
        "pooling_mode_mean_tokens": True,
    }
    (folder / "1_Pooling").mkdir()
    for name, content in (
        ("config.json", config),
        ("tokenizer_config.json", tokenizer_config),
        ("modules.json", modules),
        ("sentence_bert_config.json", {"max_seq_length": longest, "do_lower_case": False}),
        ("config_sentence_transformers.json", {"prompts": prompts or {}}),
        ("1_Pooling/config.json", pooling),
    ):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
