"""The index directory: versions that never change, and one pointer to the current one.

    CURRENT                      one line: the name of the version in use
    calibration.json             optional: the operator's own thresholds (`rag.confidence`)
    lexicon.tsv                  optional: the operator's own lexicon (`rag.lexicon_file`)
    LOCK                         held while a version is published (`index.publish`)
    versions/v000003-1f0a9c2d7b/ manifest.json and the files of `index.content`
    vectors.sqlite               vectors kept between builds (`index.vectors`)

A version's name ends in the digest of its manifest, the manifest has the digest of every file:
damage anywhere is found when the index is opened. Opening never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from index.content import Content, case_files, cases_from_files
from index.manifest import FileRecord, Manifest, digest_of
from index.recipe import terms_digest
from rag.assistant import Assistant
from rag.confidence import read_calibration
from rag.encoder import Encoder, EncoderIdentity
from rag.encoders import load_encoder
from rag.errors import IndexDamagedError, IndexMismatchError, IndexMissingError
from rag.lexicon_file import LEXICON, LexiconFile
from rag.retrieve import HybridRetriever
from rag.tuning import DEFAULT_TUNING, Tuning
from rag.types import Case

CURRENT = "CURRENT"
VERSIONS = "versions"
MANIFEST = "manifest.json"
_REBUILD = "casebook build <文件或文件夹>"


@dataclass(frozen=True, slots=True)
class Version:
    """One published version: its name, its folder and its verified manifest."""

    name: str
    folder: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class OpenIndex:
    """A version, an assistant that answers from it, and the encoder that both were made with."""

    version: Version
    assistant: Assistant
    encoder: Encoder


def current_version(index: Path) -> Version:
    """Find the version in use and verify its manifest.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If the pointer or the manifest is damaged.
        IndexMismatchError: If it was written in another format.
    """
    pointer = index / CURRENT
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        message = f"{index} 里没有索引；请运行：{_REBUILD}"
        raise IndexMissingError(message) from None
    except UnicodeDecodeError as error:
        raise _damaged(pointer, "不是文本") from error
    folder = index / VERSIONS / name
    manifest = folder / MANIFEST
    if not name or Path(name).name != name or not manifest.is_file():
        raise _damaged(pointer, f"它指向的版本“{name}”不存在")
    data = manifest.read_bytes()
    if digest_of(data)[:10] != name.rpartition("-")[2]:
        raise _damaged(manifest, "内容与版本名中的摘要不符")
    return Version(name, folder, Manifest.from_json(data))


def open_index(index: Path, models: Path) -> OpenIndex:
    """Open the current version with the encoder that it names.

    Args:
        index: The index directory.
        models: Where prepared models are.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If a file is missing or is not what the manifest says.
        IndexMismatchError: If encoder, terms or format are not those it was built with.
        ModelError: If its encoder is not prepared.
        CalibrationError: If the directory has a calibration that cannot be used.
        LexiconError: If it has a lexicon that cannot be used. Once open, the index follows that
            file, and a fault leaves the last sound one in use.
    """
    version = current_version(index)
    tuning = Tuning(lexicon=LexiconFile(index / LEXICON), calibration=read_calibration(index))
    encoder = encoder_of(version.manifest, models)
    return OpenIndex(version, open_version(version, encoder, tuning), encoder)


def encoder_of(manifest: Manifest, models: Path) -> Encoder:
    """Load the encoder that an index names, with the prompts it was built with.

    Raises:
        ModelError: If it is not prepared, or its files have changed.
    """
    built = manifest.encoder
    return load_encoder(
        built.name, models, query_prompt=built.query_prompt, passage_prompt=built.passage_prompt
    )


def open_version(version: Version, encoder: Encoder, tuning: Tuning = DEFAULT_TUNING) -> Assistant:
    """Verify every file of a version and put an assistant on it.

    Raises:
        IndexDamagedError: If a file is missing or is not what the manifest says.
        IndexMismatchError: If the encoder is another, or questions are now cut differently.
    """
    require_encoder(version.manifest, encoder.identity)
    if version.manifest.terms != terms_digest():
        message = f"索引的切词规则与本版本不同；请重新建立索引：{_REBUILD}"
        raise IndexMismatchError(message)
    content = read_content(version)
    retriever = HybridRetriever(content.cases, content.passages, encoder, content.rankers, tuning)
    return Assistant(content.cases, retriever, version.name, content.questions)


def require_encoder(manifest: Manifest, identity: EncoderIdentity) -> None:
    """Refuse an encoder that is not the one the vectors were made with.

    Raises:
        IndexMismatchError: Names both and the command that repairs it.
    """
    built = manifest.encoder
    if built != identity:
        message = (
            f"索引是用 {_name(built)} 建立的，现在的编码器是 {_name(identity)}；"
            f"请重新建立索引：{_REBUILD} --model {identity.name}"
        )
        raise IndexMismatchError(message)


def read_content(version: Version) -> Content:
    """Read a version into memory; each file is verified before it is parsed.

    Raises:
        IndexDamagedError: If a file is missing or is not what the manifest says.
    """
    files = {
        name: _verified(version.folder / name, record)
        for name, record in version.manifest.files.items()
    }
    return Content.from_files(files, version.manifest)


def open_cases(index: Path) -> tuple[Case, ...]:
    """Read the cases of the current version and nothing else: no encoder is needed.

    Raises:
        IndexMissingError: If nothing has been built there.
        IndexDamagedError: If a file is missing or is not what the manifest says.
        IndexMismatchError: If it was written in another format.
    """
    version = current_version(index)
    records = version.manifest.files
    names = case_files(version.manifest)
    files = {name: _verified(version.folder / name, records[name]) for name in names}
    return cases_from_files(files, version.manifest)


def damaged_files(version: Version) -> dict[str, str]:
    """Verify every file of a version.

    Returns:
        What is wrong, by file name; empty if all is well.
    """
    wrong: dict[str, str] = {}
    for name, record in version.manifest.files.items():
        try:
            _verified(version.folder / name, record)
        except IndexDamagedError as error:
            wrong[name] = str(error)
    return wrong


def _verified(file: Path, record: FileRecord) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise _damaged(file, f"无法读取：{error.strerror}") from error
    if len(data) != record.size:
        raise _damaged(file, f"有 {len(data)} 字节，应为 {record.size}")
    if digest_of(data) != record.sha256:
        raise _damaged(file, "内容与清单中的摘要不符")
    return data


def _damaged(file: Path, found: str) -> IndexDamagedError:
    return IndexDamagedError(f"索引已损坏：{file} {found}；请重新建立：{_REBUILD}")


def _name(identity: EncoderIdentity) -> str:
    weights = f"，权重 {identity.weights_sha256[:8]}" if identity.weights_sha256 else ""
    return f"{identity.name}（{identity.dimension} 维{weights}）"
