"""Any cross-encoder of sentence-transformers as a `rag.rerank.Reranker`, to measure one with.

It needs torch, which nothing that serves imports, so it lives here and not in the product.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from rag.errors import CasebookError

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

_HEADS = ("ForSequenceClassification", "ForCausalLM")
"""What the class of a network ends with that scores a pair: by a label, or by how likely a "yes"
is. Any other would get a random head on loading, and score at random."""
_INSTEAD = "请在 reranker 里换一个只有一个标签的交叉编码器，或留空不重排"


class RerankerError(CasebookError):
    """A reranker cannot be loaded, or is none."""


class CrossEncoderReranker:
    """Scores by the sigmoid of a cross-encoder's only logit; it is loaded when first asked.

    A pair that is longer than the model takes is cut at its end. Nothing but safetensors is read,
    and no code of the model's own is run. For a single thread.

    Args:
        name: Hub name, or a folder.

    Raises:
        RerankerError: If it is an absolute path and no folder is there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._model: CrossEncoder | None = None
        if Path(name).is_absolute() and not Path(name).is_dir():
            message = f"重排模型 {name} 不存在；应为交叉编码器的文件夹，请检查 reranker 的路径"
            raise RerankerError(message)

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Say how well each text answers the question; see `rag.rerank.Reranker`.

        Raises:
            RerankerError: If the model cannot be loaded, is no cross-encoder, or has not exactly
                one label; only when first asked.
        """
        if not texts:
            return np.empty(0, dtype=np.float32)
        if self._model is None:
            self._model = _loaded(self._name)
        logits = self._model.predict(
            [(question, text) for text in texts], show_progress_bar=False, activation_fn=_sigmoid
        )
        return np.asarray(logits, dtype=np.float32)


class _Logits(Protocol):
    """A tensor, without its library."""

    def sigmoid(self) -> Self: ...


def _sigmoid(logits: _Logits) -> _Logits:
    # A model may declare none at all: its logits have no bounds.
    return logits.sigmoid()


def _loaded(name: str) -> CrossEncoder:
    from safetensors import SafetensorError  # noqa: PLC0415 -- with the next
    from sentence_transformers import CrossEncoder  # noqa: PLC0415 -- torch: seconds

    try:
        model: CrossEncoder = CrossEncoder(
            name,
            trust_remote_code=False,
            # Some are kept in half precision, which processors are slow at.
            model_kwargs={"use_safetensors": True, "dtype": "float32"},
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        message = (
            f"重排模型 {name} 无法载入（{error}）；应为 sentence-transformers 能载入的交叉编码器，"
            "权重为 safetensors，请检查名称、文件夹与网络"
        )
        raise RerankerError(message) from error
    classes = getattr(model.config, "architectures", None) or []
    # With modules of its own it was saved as a cross-encoder, whatever its network is called.
    if len(model) == 1 and not any(one.endswith(_HEADS) for one in classes):
        found = f"它是 {'、'.join(classes)}" if classes else "它没有写明网络的种类"
        message = f"重排模型 {name} 不是交叉编码器：{found}，没有为一对文字打分的一层；{_INSTEAD}"
        raise RerankerError(message)
    if model.num_labels != 1:
        message = f"重排模型 {name} 有 {model.num_labels} 个标签，应为 1 个；{_INSTEAD}"
        raise RerankerError(message)
    return model
