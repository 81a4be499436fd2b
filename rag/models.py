"""The prepared models on disk: what they are called, where they are, and which there are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rag.encoder_file import FILE_NAME, EncoderFile, folder_name, read_encoder_file

DEFAULT_MODEL = "multilingual-e5-small"
"""By paired evals on two collections, and by licence: docs/decisions/0010-default-model.md."""
DEFAULT_FOLDER = Path("var/models")

# Question instructions of models that do not carry them in their own configuration; taken from the
# models' pages. A prompt in the model's configuration or on the command line comes first.
KNOWN_QUERY_PROMPTS = {
    f"BAAI/bge-{size}-zh{version}": "为这个句子生成表示以用于检索相关文章："
    for size in ("small", "base", "large")
    for version in ("", "-v1.5")
}


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


def source_of(typed: str) -> str:
    """Write what a user calls a model so that it means the same from any working folder.

    Absolute paths and those that begin with a dot become absolute. Everything else is a name,
    whatever folders there are: an index that names its model must not depend on where it is opened.

    >>> source_of("BAAI/bge-small-zh-v1.5")
    'BAAI/bge-small-zh-v1.5'
    """
    return str(Path(typed).resolve()) if is_path(typed) else typed.rstrip("/")


def is_path(typed: str) -> bool:
    """Whether what a user calls a model can only be a path; no name begins with a dot."""
    return typed.startswith(".") or Path(typed).is_absolute()


def parse_remote(name: str) -> tuple[str, str] | None:
    """Split ``openai:MODEL@URL`` into model and URL; None for any other name.

    >>> parse_remote("openai:bge-m3@http://127.0.0.1:9997/v1")
    ('bge-m3', 'http://127.0.0.1:9997/v1')
    """
    if not name.startswith("openai:") or "@http" not in name:
        return None
    model, _, url = name.removeprefix("openai:").rpartition("@")
    return model, url


def model_name_of(typed: str) -> str:
    """Name a model by what a user calls it: a path is called by its last part.

    >>> model_name_of("./models/bge"), model_name_of("BAAI/bge-small-zh-v1.5")
    ('bge', 'BAAI/bge-small-zh-v1.5')
    """
    source = source_of(typed)
    return Path(source).name if is_path(typed) else source


def model_folder(typed: str, models_folder: Path = DEFAULT_FOLDER) -> Path:
    """Say where a model is once it is prepared, by its name or by the path it is prepared from.

    >>> model_folder("BAAI/bge-small-zh-v1.5").as_posix()
    'var/models/BAAI__bge-small-zh-v1.5'
    """
    return models_folder / folder_name(model_name_of(typed))


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
