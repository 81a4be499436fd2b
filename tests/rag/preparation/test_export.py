"""A model from its folder to a prepared one, proved, recorded, and refused where it strays."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from rag.digest import file_sha256
from rag.embed import OnnxEncoder
from rag.encoders import load_encoder
from rag.errors import ModelError
from rag.preparation import export
from rag.preparation.e5_q4 import BlockTable
from rag.preparation.parity import BUILT_IN_SENTENCES, MIN_COSINE, MIN_QUESTION_COSINE
from rag.preparation.prepare import Preparation, Request, Step, prepare

SENTENCES = BUILT_IN_SENTENCES
DAMAGED = ["tokenizer.json", "model.onnx", "model.int8.onnx.data"]


def test_the_whole_way_from_a_folder_is_proved_and_recorded(
    tiny_model: Path, tiny_prepared: Preparation
) -> None:
    record = tiny_prepared.record
    assert tiny_prepared.built
    assert sorted(file.name for file in tiny_prepared.folder.iterdir()) == [
        "encoder.json",
        "model.int8.onnx",
        "model.int8.onnx.data",
        "model.onnx",
        "tokenizer.json",
    ]
    assert record.identity.name == "tiny"
    assert record.source == str(tiny_model)
    assert (record.identity.dimension, record.identity.max_tokens) == (32, 256)
    assert (record.identity.query_prompt, record.identity.passage_prompt) == ("问：", "文：")
    assert record.identity.pooling == "mean"
    proof = record.graph.parity
    assert proof.sentences == len(SENTENCES) >= 64
    assert MIN_COSINE <= proof.min_cosine <= proof.mean_cosine <= 1.0


def test_the_8_bit_graph_is_measured_against_the_fp32_one_on_the_same_sentences(
    tiny_prepared: Preparation, tiny_in_fp32: Preparation
) -> None:
    small, full = OnnxEncoder(tiny_prepared.folder), OnnxEncoder(tiny_in_fp32.folder)
    questions = [*SENTENCES, "".join(SENTENCES)]
    cosines = [float(small.encode_query(q) @ full.encode_query(q)) for q in questions]
    parity = tiny_prepared.record.question_graph.parity
    assert parity.sentences == len(SENTENCES)
    assert parity.min_cosine == pytest.approx(min(cosines), abs=2e-6)
    assert parity.mean_cosine == pytest.approx(np.mean(cosines), abs=2e-6)
    assert MIN_QUESTION_COSINE <= parity.min_cosine < parity.mean_cosine < 1


def test_an_8_bit_graph_that_strays_too_far_is_not_kept_but_what_was_measured_is(
    tiny_model: Path, tiny_prepared: Preparation, tiny_in_fp32: Preparation
) -> None:
    assert sorted(file.name for file in tiny_in_fp32.folder.iterdir()) == [
        "encoder.json",
        "model.onnx",
        "tokenizer.json",
    ]
    refused, kept = tiny_in_fp32.record.question_graph, tiny_prepared.record.question_graph
    assert (refused.sha256, refused.data_sha256) == ("", "")
    assert refused.parity == kept.parity
    again = prepare(Request(str(tiny_model)), tiny_in_fp32.folder.parent, sentences=SENTENCES)
    assert not again.built


def test_the_tokenizer_is_written_without_truncation_and_padding(
    tiny_prepared: Preparation,
) -> None:
    tokenizer = json.loads((tiny_prepared.folder / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokenizer["truncation"] is None
    assert tokenizer["padding"] is None


def test_preparing_an_intact_model_again_does_nothing(
    tiny_model: Path, tiny_prepared: Preparation
) -> None:
    steps: list[Step] = []
    again = prepare(
        Request(str(tiny_model)),
        tiny_prepared.folder.parent,
        sentences=SENTENCES,
        on_step=steps.append,
    )
    assert not again.built
    assert again.record == tiny_prepared.record
    assert steps == []


@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_damaged_file_of_a_model_is_seen(
    tiny_model: Path, tiny_prepared: Preparation, tmp_path: Path, damaged: str
) -> None:
    class BegunError(Exception):
        """Ends it where building begins, which is the next test's."""

    def stop(step: Step) -> None:
        raise BegunError(step.value)

    folder = tmp_path / "tiny"
    shutil.copytree(tiny_prepared.folder, folder)
    (folder / damaged).write_text("{}", encoding="utf-8")
    with pytest.raises(BegunError, match=r"^fetch$"):
        prepare(Request(str(tiny_model)), tmp_path, sentences=SENTENCES, on_step=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]  # nothing left half done


def test_a_damaged_model_is_built_again(
    tiny_model: Path, tiny_prepared: Preparation, tmp_path: Path
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_prepared.folder, folder)
    for damaged in DAMAGED:
        (folder / damaged).write_text("{}", encoding="utf-8")
    repaired = prepare(Request(str(tiny_model)), tmp_path, sentences=SENTENCES)
    assert repaired.built
    assert repaired.record == tiny_prepared.record  # exporting repeats, bit by bit
    whole = [file_sha256(tiny_prepared.folder / name) for name in DAMAGED]
    assert [file_sha256(repaired.folder / name) for name in DAMAGED] == whole
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]  # nothing left half done


def test_another_prompt_builds_again(
    tiny_model: Path, tiny_prepared: Preparation, tmp_path: Path
) -> None:
    shutil.copytree(tiny_prepared.folder, tmp_path / "tiny")
    asked = prepare(Request(str(tiny_model), query_prompt=""), tmp_path, sentences=SENTENCES)
    assert asked.built
    assert asked.record.identity.query_prompt == ""
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]  # nothing left half done


def test_what_was_prepared_by_a_path_is_loaded_by_the_same_path(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my").mkdir()
    (tmp_path / "other").mkdir()
    shutil.copytree(tiny_model, tmp_path / "my" / "bge")
    shutil.copytree(tiny_model, tmp_path / "other" / "bge")
    models = tmp_path / "models"
    monkeypatch.chdir(tmp_path)
    done = prepare(Request("./my/bge"), models, sentences=SENTENCES)
    assert (done.folder, done.record.identity.name) == (models / "bge", "bge")
    assert load_encoder("./my/bge", models).identity == done.record.identity
    assert load_encoder("bge", models).identity == done.record.identity  # as an index names it
    with pytest.raises(ModelError) as raised:
        load_encoder("./other/bge", models)
    assert str(raised.value) == (
        f"{models / 'bge'} 是由 {tmp_path / 'my' / 'bge'} 准备的；"
        "请运行：casebook model prepare ./other/bge"
    )
    monkeypatch.chdir(tmp_path / "my")
    assert not prepare(Request("./bge"), models, sentences=SENTENCES).built  # the same folder
    shutil.rmtree(tmp_path / "my" / "bge")
    assert load_encoder("./bge", models).identity == done.record.identity


def test_prompts_of_a_prepared_model_are_chosen_when_it_is_prepared(
    tiny_prepared: Preparation,
) -> None:
    models = tiny_prepared.folder.parent
    same = load_encoder("tiny", models, query_prompt="问：", passage_prompt="文：")
    assert same.identity == tiny_prepared.record.identity
    with pytest.raises(ModelError) as raised:
        load_encoder("tiny", models, query_prompt="请 问")
    assert str(raised.value) == (
        "tiny 准备时的指令是：问题前 '问：'、原文前 '文：'；现在要求：问题前 '请 问'、原文前 '文：'；"
        f"请运行：casebook model prepare {tiny_prepared.record.source} "
        "--query-prompt '请 问' --passage-prompt '文：'"
    )
    with pytest.raises(ModelError, match=r"--query-prompt '问：' --passage-prompt ''$"):
        load_encoder("tiny", models, passage_prompt="")


@pytest.mark.parametrize("failing", [1, 2])
def test_if_the_new_model_cannot_be_put_in_place_the_old_one_stays(
    tiny_model: Path,
    tiny_prepared: Preparation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failing: int,
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_prepared.folder, folder)
    renamed: list[Path] = []
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        renamed.append(path)
        if len(renamed) == failing:
            raise PermissionError(13, "in use", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        prepare(Request(str(tiny_model)), tmp_path, sentences=SENTENCES, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert load_encoder("tiny", tmp_path).identity == tiny_prepared.record.identity


def test_a_failed_proof_writes_nothing(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(loaded: export.LoadedModel, texts: list[str], prompt: str) -> np.ndarray:
        return -original(loaded, texts, prompt)

    original = export.reference_vectors
    monkeypatch.setattr(export, "reference_vectors", other)
    with pytest.raises(
        ModelError,
        match="^导出的 tiny 与 sentence-transformers 不一致：成批编码的段落中第 [0-9]+ 个的余弦是 "
        r"-1\.000000，应不低于 0\.9999；没有写入任何文件$",
    ):
        prepare(Request(str(tiny_model)), tmp_path, sentences=SENTENCES)
    assert list(tmp_path.iterdir()) == []


def test_too_few_sentences_prove_nothing(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 sentences prove little, expected at least 64"):
        prepare(Request(str(tiny_model)), tmp_path, sentences=["优化营商环境"])


def test_a_folder_with_a_pickle_only_is_refused_unopened(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_model, folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Opened(tmp_path / "opened")))
    with pytest.raises(ModelError) as raised:
        prepare(Request(str(folder)), tmp_path / "models", sentences=SENTENCES)
    assert str(raised.value) == (
        f"{folder / 'pytorch_model.bin'} 是 pickle 文件，读取时可能执行任意代码，"
        "旁边应有 model.safetensors；请改用该模型的 safetensors 版本，或在信得过的环境里转换"
    )
    assert not (tmp_path / "opened").exists()


def test_a_pickle_of_another_digest_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(pickle.dumps(_Opened(tmp_path / "opened")))
    with pytest.raises(ModelError) as raised:
        export.read_pickle(path, "00ff")
    assert str(raised.value) == (
        f"{path} 的 sha256 是 {file_sha256(path)}，应为 00ff；没有打开该文件"
    )
    assert not (tmp_path / "opened").exists()


def test_a_folder_that_is_no_model_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError) as raised:
        prepare(Request(str(tmp_path / "empty")), tmp_path / "models", sentences=SENTENCES)
    assert str(raised.value) == (
        f"{tmp_path / 'empty'} 不是 sentence-transformers 模型："
        "里面没有 .safetensors 文件；请检查路径"
    )


def test_weights_without_a_model_around_them_are_an_error_of_ours(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "bare"
    folder.mkdir()
    shutil.copy(tiny_model / "model.safetensors", folder)
    with pytest.raises(
        ModelError, match=r"^sentence-transformers 无法载入 .*/bare，请检查模型文件是否完整："
    ):
        prepare(Request(str(folder)), tmp_path / "models", sentences=SENTENCES)


def test_a_folder_named_like_a_known_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m3e-small").mkdir()
    with pytest.raises(ModelError) as raised:
        prepare(Request(str(tmp_path / "m3e-small")), tmp_path, sentences=SENTENCES)
    assert (
        str(raised.value) == f"文件夹 {tmp_path / 'm3e-small'} 与已知的模型同名；请改名后重新运行"
    )


def test_a_hub_pipeline_with_dense_and_normalise_is_exported_whole_with_its_pages_prompt(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dense"
    script = f"""
import warnings; warnings.simplefilter("ignore")
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling
model = SentenceTransformer({str(tiny_model)!r}, device="cpu")
modules = [model[0], Pooling(32, "cls"), Dense(32, 8), Normalize()]
SentenceTransformer(modules=modules, device="cpu").save({str(folder)!r})
"""
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    monkeypatch.setattr("rag.preparation.prepare.fetch_from_hub", lambda _: (folder, "c0ffee"))
    request = Request("BAAI/bge-small-zh-v1.5")
    done = prepare(request, tmp_path / "models", sentences=SENTENCES)
    identity = done.record.identity
    assert done.folder.name == "BAAI__bge-small-zh-v1.5"
    assert (identity.name, identity.revision) == ("BAAI/bge-small-zh-v1.5", "c0ffee")
    assert identity.query_prompt == "为这个句子生成表示以用于检索相关文章："
    assert identity.dimension == 8
    assert identity.pooling == "cls"
    assert done.record.graph.parity.min_cosine >= MIN_COSINE
    assert done.record.question_graph.sha256  # dense layers are quantized, too


def test_embeddings_in_four_bits_give_the_vectors_of_their_fp32_table(
    tiny_model: Path, tmp_path: Path
) -> None:
    loaded = export.load_model(tiny_model)
    rows = loaded.transformer.auto_model.get_input_embeddings().weight.shape[0]
    random = np.random.default_rng(3)
    table = BlockTable(
        random.integers(0, 256, (rows, 16), dtype=np.uint8),
        random.random((rows, 1), dtype=np.float32).astype(np.float16),
    )
    weight = loaded.transformer.auto_model.get_input_embeddings().weight
    weight.numpy()[:] = table.dense()  # shares memory with the network
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    export.write_graph(loaded, plain)
    export.write_graph(loaded, small, embeddings=table)
    assert loaded.transformer.auto_model.get_input_embeddings().weight is weight
    feeds = {
        "input_ids": np.arange(12, dtype=np.int64).reshape(2, 6),
        "attention_mask": np.ones((2, 6), dtype=np.int64),
    }
    vectors = [
        onnxruntime.InferenceSession(path).run(["sentence_embedding"], feeds)[0]
        for path in (plain, small)
    ]
    np.testing.assert_allclose(vectors[0], vectors[1], rtol=1e-5, atol=1e-6)
    assert small.stat().st_size < plain.stat().st_size


def test_a_graph_too_large_for_one_file_is_split_and_verified(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "_SPLIT_BYTES", 0)
    done = prepare(Request(str(tiny_model)), tmp_path, sentences=SENTENCES)
    data = done.folder / "model.onnx.data"
    assert data.is_file()
    data.write_bytes(data.read_bytes()[:-1] + b"?")
    encoder = OnnxEncoder(done.folder)
    with pytest.raises(
        ModelError, match=r"model\.onnx\.data 的 sha256 是 [0-9a-f]{64}，encoder\.json 记录的是 "
    ):
        encoder.encode_passages(["社保"])


def test_a_hub_model_is_taken_from_this_machines_copy_or_says_what_can_be_done(
    tmp_path: Path,
) -> None:
    # The layout of the hub's cache, which is also what a site without network copies over.
    copy = tmp_path / "hub" / "models--some--model"
    (copy / "snapshots" / "c0ffee").mkdir(parents=True)
    (copy / "snapshots" / "c0ffee" / "config.json").write_text("{}", encoding="utf-8")
    (copy / "refs").mkdir()
    (copy / "refs" / "main").write_text("c0ffee", encoding="ascii")
    script = """
from rag.errors import ModelError
from rag.preparation.hub import fetch_from_hub
folder, commit = fetch_from_hub("some/model")
print(folder.parts[-3:], commit)
for name in ("nobody/nothing", "no name"):
    try:
        fetch_from_hub(name)
    except ModelError as error:
        print(error)
"""
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    found, unknown, invalid = done.stdout.splitlines()
    assert found == "('models--some--model', 'snapshots', 'c0ffee') c0ffee"
    assert unknown.startswith(
        "nobody/nothing 不是已知的模型，也不是本机的文件夹，从模型库也取不到："
    )
    assert unknown.endswith("；请检查名称和网络，或改为给出模型副本所在的文件夹")
    assert invalid.startswith("no name 不是已知的模型，")


class _Opened:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)
