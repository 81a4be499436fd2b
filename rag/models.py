"""The prepared models on disk: where they are, and which there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag.encoder_file import FILE_NAME, EncoderFile, folder_name, read_encoder_file

DEFAULT_MODEL = "m3e-small"
DEFAULT_FOLDER = Path("var/models")


@dataclass(frozen=True, slots=True)
class PreparedModel:
    """A prepared model on disk.

    Attributes:
        folder: Where it is; what ``rag.embed.OnnxEncoder`` takes.
        record: Its ``encoder.json``.
        size_bytes: Size of all its files together.
    """

    folder: Path
    record: EncoderFile
    size_bytes: int


def model_folder(name: str, models_folder: Path = DEFAULT_FOLDER) -> Path:
    """Say where the prepared model of this name is, or would be.

    >>> model_folder("BAAI/bge-small-zh-v1.5").as_posix()
    'var/models/BAAI__bge-small-zh-v1.5'
    """
    return models_folder / folder_name(name)


def prepared_models(models_folder: Path = DEFAULT_FOLDER) -> list[PreparedModel]:
    """List the prepared models below a folder, ordered by name; no folder means none.

    Digests are not checked here: that reads every byte, and happens when a model is loaded.

    Raises:
        ModelError: If an ``encoder.json`` cannot be read.
    """
    folders = sorted(path.parent for path in models_folder.glob(f"[!.]*/{FILE_NAME}"))
    return [
        PreparedModel(
            folder=folder,
            record=read_encoder_file(folder),
            size_bytes=sum(file.stat().st_size for file in folder.iterdir()),
        )
        for folder in folders
    ]
