"""A model by its name on the model hub -> a folder, through the hub's own cache."""

from __future__ import annotations

from pathlib import Path

from rag.errors import ModelError

# Pickles, and exports of the same weights to other formats.
_NOT_TAKEN = ("*.bin", "*.pt", "*.h5", "*.msgpack", "*.ot", "*.gguf", "onnx/*", "openvino/*")


def fetch_from_hub(name: str) -> tuple[Path, str]:
    """Take a model from the model hub, or from this machine's copy of it.

    Pickles are never asked for.

    Returns:
        Its folder in the hub's cache, and the commit.

    Raises:
        ModelError: If the hub does not know the name or cannot be reached and there is no copy.
    """
    from huggingface_hub import snapshot_download  # noqa: PLC0415 -- half a second
    from huggingface_hub.errors import (  # noqa: PLC0415 -- likewise
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    try:
        folder = Path(snapshot_download(name, ignore_patterns=list(_NOT_TAKEN)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        reason = " ".join(str(error).split())[:300]
        message = (
            f"{name} 不是已知的模型，也不是本机的文件夹，从模型库也取不到：{reason}；"
            "请检查名称和网络，或改为给出模型副本所在的文件夹"
        )
        raise ModelError(message) from error
    return folder, folder.name
