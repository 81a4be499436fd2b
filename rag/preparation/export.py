"""sentence-transformers -> ONNX: the only module that meets torch.

Everything heavy is imported inside the functions, so that importing this module costs nothing and
serving never pays for it. The graph holds all modules of the model (transformer, pooling, dense,
normalisation), so whatever the author chained together is exported as it is.
"""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.digest import file_sha256
from rag.errors import ModelError
from rag.preparation.e5_q4 import BLOCK, BlockTable

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Transformer
    from transformers import PreTrainedTokenizerBase

# Passages have a few hundred characters; attention memory grows with the square of the length, so
# a model that could take 8192 tokens is not let.
MAX_TOKENS = 512

# The exporter's own; asking for 20 or 23 converts the graph once more and made it no faster.
_OPSET = 18

_SPLIT_BYTES = 1_900_000_000  # A protobuf message ends at 2 GiB.

_INSTEAD = "请换用其他模型，或用向量服务提供这个模型"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A sentence-transformers model with what its configuration says about it.

    Attributes:
        model: The model, in fp32 on the CPU, in evaluation mode.
        transformer: Its first module, which holds the network.
        tokenizer: The tokenizer of that module.
        query_prompt: Its own prompt for questions; empty if it states none.
        passage_prompt: Its own prompt for passages; empty if it states none.
        max_tokens: Longest input in tokens, at most ``MAX_TOKENS``.
        dimension: Length of a vector.
        pooling: Names of the pooling modes, joined by ``+``.
        pad_id: Token id used for padding.
    """

    model: SentenceTransformer
    transformer: Transformer
    tokenizer: PreTrainedTokenizerBase
    query_prompt: str
    passage_prompt: str
    max_tokens: int
    dimension: int
    pooling: str
    pad_id: int


def load_model(folder: Path) -> LoadedModel:
    """Load a sentence-transformers model from a folder, without network, pickle or foreign code.

    Raises:
        ModelError: If the folder is not such a model, needs code of its own, or works in a way that
            one graph cannot express.
    """
    with _quiet():
        import torch  # noqa: PLC0415 -- seconds and hundreds of megabytes
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 -- likewise
        from sentence_transformers.base.modules import Transformer  # noqa: PLC0415 -- likewise
        from sentence_transformers.sentence_transformer.modules import (  # noqa: PLC0415 -- likewise
            Pooling,
        )

        try:
            model = SentenceTransformer(
                str(folder),
                device="cpu",
                trust_remote_code=False,
                local_files_only=True,
                # Eager attention exports to the plainest graph: measured against sdpa, a fifth of
                # the operators fewer, and the same or better speed.
                model_kwargs={
                    "attn_implementation": "eager",
                    "use_safetensors": True,
                    "dtype": torch.float32,
                },
            )
        except (OSError, ValueError, KeyError) as error:
            message = f"sentence-transformers 无法载入 {folder}，请检查模型文件是否完整：{error}"
            raise ModelError(message) from error
    model.eval().requires_grad_(requires_grad=False)
    first = model[0]
    tokenizer = first.tokenizer if isinstance(first, Transformer) else None
    if not isinstance(first, Transformer) or tokenizer is None or not tokenizer.is_fast:
        message = (
            f"{folder} 的第一个模块是 {type(first).__name__}，"
            f"应为带 tokenizer.json 的 Transformer；{_INSTEAD}"
        )
        raise ModelError(message)
    prompts = {key: prompt or "" for key, prompt in model.prompts.items()}
    passages = [prompts[key] for key in ("document", "passage", "corpus") if prompts.get(key)]
    pooling = [module for module in model if isinstance(module, Pooling)]
    if any(not module.include_prompt for module in pooling):
        message = f"{folder} 池化时不计入提示词，Casebook 不支持；{_INSTEAD}"
        raise ModelError(message)
    positions = getattr(first.auto_model.config, "max_position_embeddings", MAX_TOKENS)
    return LoadedModel(
        model=model,
        transformer=first,
        tokenizer=tokenizer,
        query_prompt=prompts.get("query", ""),
        passage_prompt=passages[0] if passages else "",
        max_tokens=int(min(model.max_seq_length or positions, positions, MAX_TOKENS)),
        dimension=int(model.get_embedding_dimension() or 0),
        pooling="+".join(_modes(module.pooling_mode) for module in pooling),
        pad_id=int(tokenizer.pad_token_id or 0),
    )


def write_tokenizer(loaded: LoadedModel, path: Path) -> None:
    """Write the tokenizer exactly as the model uses it, but without truncation and padding."""
    record = json.loads(loaded.tokenizer.backend_tokenizer.to_str())
    record |= {"truncation": None, "padding": None}  # the encoder does both, for a whole batch
    path.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def token_pieces(tokenizer: str, texts: Sequence[str]) -> list[list[str]]:
    """Split texts with a tokenizer given as the content of its ``tokenizer.json``."""
    with _quiet():
        from transformers import PreTrainedTokenizerFast  # noqa: PLC0415 -- seconds

        with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
            file.write(tokenizer)
            file.flush()
            splitter = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
                tokenizer_file=file.name
            )
        return [splitter.tokenize(text) for text in texts]


def write_graph(loaded: LoadedModel, path: Path, *, embeddings: BlockTable | None = None) -> None:
    """Export the whole pipeline as one graph with free batch and sequence lengths.

    Inputs are the int64 arrays ``input_ids`` and ``attention_mask`` (and ``token_type_ids`` if the
    tokenizer makes them), all of shape (batch, sequence). Outputs are ``sentence_embedding``
    (batch, dimension) and ``token_embeddings`` (batch, sequence, width), both float32. A graph over
    2 GB keeps its weights beside it in ``<path>.data``.

    The exporter over ``torch.export`` is used: the older, tracing one gives a graph of the same
    speed (5.2 against 5.4 ms a question, m3e-small, 2 cores) with twice the operators, and is
    deprecated.

    Args:
        loaded: What to export.
        path: Where to write.
        embeddings: The input embeddings in their original four bits; the graph then keeps
            them so and multiplies out only the rows it needs. None exports the model's own.
    """
    with _quiet():
        import onnx  # noqa: PLC0415 -- needed while preparing only
        import torch  # noqa: PLC0415 -- seconds and hundreds of megabytes

        class Pipeline(torch.nn.Module):  # defined here because torch is imported here
            """All modules of the model, from token ids to both outputs."""

            def __init__(self) -> None:
                super().__init__()
                self.steps = torch.nn.ModuleList(loaded.model)

            def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                features: dict[str, Any] = dict(zip(names, inputs, strict=True))
                for step in self.steps:
                    features = step(features)
                return features["sentence_embedding"], features["token_embeddings"]

        class BlockEmbedding(torch.nn.Module):
            """Looks up rows of a ``BlockTable``: one operator of ONNX Runtime's."""

            def __init__(self, table: BlockTable) -> None:
                super().__init__()
                self.pairs: torch.Tensor = torch.nn.Buffer(torch.from_numpy(table.pairs()))
                # It multiplies in the precision of the scales.
                scales = table.scales.astype(np.float32)
                self.scales: torch.Tensor = torch.nn.Buffer(torch.from_numpy(scales))

            def forward(self, ids: torch.Tensor) -> torch.Tensor:
                return torch.onnx.ops.symbolic(
                    "com.microsoft::GatherBlockQuantized",
                    (self.pairs, ids, self.scales),
                    {"bits": 4, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1},
                    dtype=torch.float32,
                    shape=(*ids.shape, 2 * self.pairs.shape[1]),
                    version=1,
                )

        names = ["input_ids", "attention_mask"]
        if "token_type_ids" in loaded.tokenizer.model_input_names:
            names.append("token_type_ids")
        # Two rows of different length: sizes of 1, and masks without padding, would be taken for
        # constants. The ids themselves do not matter.
        ids = torch.full((2, 8), loaded.pad_id)
        mask = torch.ones_like(ids)
        mask[1, 5:] = 0
        axes = {
            0: torch.export.Dim("batch", min=1, max=65536),
            1: torch.export.Dim("sequence", min=1, max=loaded.max_tokens),
        }
        size = sum(weight.nbytes for weight in loaded.model.state_dict().values())
        network = loaded.transformer.auto_model
        own = network.get_input_embeddings()
        if embeddings is not None:
            network.set_input_embeddings(BlockEmbedding(embeddings))
        torch.onnx.export(
            Pipeline().eval(),
            (ids, mask, torch.zeros_like(ids))[: len(names)],
            path,
            input_names=names,
            output_names=["sentence_embedding", "token_embeddings"],
            dynamic_shapes={"inputs": tuple(axes for _ in names)},
            opset_version=_OPSET,
            dynamo=True,
            external_data=size > _SPLIT_BYTES,
            verbose=False,
        )
        network.set_input_embeddings(own)  # the original is still needed, to compare with
        onnx.checker.check_model(path)


def reference_vectors(
    loaded: LoadedModel, texts: Sequence[str], prompt: str
) -> NDArray[np.float32]:
    """Encode with sentence-transformers itself.

    Returns:
        Shape ``(len(texts), dimension)``, float32, rows of length 1.
    """
    loaded.model.max_seq_length = loaded.max_tokens
    vectors: NDArray[np.float32] = loaded.model.encode(
        list(texts), prompt=prompt, normalize_embeddings=True, show_progress_bar=False
    )
    return vectors


def library_versions() -> str:
    """Name the libraries that export, for ``encoder.json``."""
    packages = ("torch", "transformers", "sentence-transformers", "onnxruntime")
    return ", ".join(f"{package} {metadata.version(package)}" for package in packages)


def _modes(pooling_mode: str | Sequence[str]) -> str:
    """Name the pooling modes of one module."""
    return pooling_mode if isinstance(pooling_mode, str) else "+".join(pooling_mode)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' progress bars and warnings out of the terminal while preparing.

    Their warnings tell their developers of their own deprecations; what a user must know is raised.
    """
    previous = logging.root.manager.disable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            from transformers.utils import (  # noqa: PLC0415 -- seconds
                logging as transformers_logging,
            )

            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            yield
        finally:
            logging.disable(previous)


def read_pickle(path: Path, sha256: str) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a known model out of its ``pytorch_model.bin``, once.

    Only a file of the digest given is opened, and only tensors are accepted from it
    (``weights_only=True``).

    Raises:
        ModelError: If the file is another one.
    """
    found = file_sha256(path)
    if found != sha256:
        message = f"{path} 的 sha256 是 {found}，应为 {sha256}；没有打开该文件"
        raise ModelError(message)
    with _quiet():
        import torch  # noqa: PLC0415 -- seconds and hundreds of megabytes

        tensors = torch.load(path, map_location="cpu", weights_only=True)
    return {
        name: tensor.numpy().astype(np.float32)
        for name, tensor in tensors.items()
        if tensor.is_floating_point()
    }
