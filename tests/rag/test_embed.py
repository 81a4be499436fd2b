"""The prepared encoder: its vectors, prompts and tokens, and what damage it tells."""

import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from rag.digest import file_sha256
from rag.embed import OnnxEncoder
from rag.encoder_file import EncoderFile, read_encoder_file, write_encoder_file
from rag.errors import ModelError
from rag.graph import Graph
from rag.preparation.parity import BUILT_IN_SENTENCES
from rag.preparation.prepare import Preparation

SENTENCES = BUILT_IN_SENTENCES
Vectors = NDArray[np.float32]


def test_vectors_are_float32_rows_of_length_one(tiny_encoder: OnnxEncoder) -> None:
    vectors = tiny_encoder.encode_passages(SENTENCES)
    assert vectors.shape == (64, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    question = tiny_encoder.encode_query("补缴社保")
    assert question.shape == (32,)
    assert question.dtype == np.float32


def test_no_passages_give_no_rows(tiny_encoder: OnnxEncoder) -> None:
    assert tiny_encoder.encode_passages([]).shape == (0, 32)


def test_batches_keep_the_order_and_agree_with_single_passages(tiny_encoder: OnnxEncoder) -> None:
    texts = [SENTENCES[i % 64] for i in range(130)]
    done: list[int] = []
    together = tiny_encoder.encode_passages(texts, on_progress=done.append)
    alone = np.concatenate([tiny_encoder.encode_passages([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert done == sorted(done)
    assert len(done) > 1
    assert done[-1] == 130


def test_the_prompts_are_put_before_questions_and_passages(
    tiny_prepared: Preparation, tmp_path: Path
) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(tiny_prepared.folder, folder)
    record = read_encoder_file(folder)
    identity = replace(record.identity, query_prompt="", passage_prompt="")
    write_encoder_file(folder, replace(record, identity=identity))
    bare, prompted = OnnxEncoder(folder), OnnxEncoder(tiny_prepared.folder)
    np.testing.assert_array_equal(prompted.encode_query("社保"), bare.encode_query("问：社保"))
    np.testing.assert_array_equal(
        prompted.encode_passages(["社保"]), bare.encode_passages(["文：社保"])
    )
    assert prompted.count_tokens("社保") == bare.count_tokens("社保") + 2


def test_tokens_are_counted_with_prompt_and_special_tokens_and_uncut(
    tiny_encoder: OnnxEncoder,
) -> None:
    assert tiny_encoder.count_tokens("社保") == 6  # [CLS] 文 ： 社 保 [SEP]
    assert tiny_encoder.count_tokens("社" * 1000) == 1004


def test_tokens_of_a_question_are_counted_with_its_prompt_and_uncut(
    tiny_prepared: Preparation, tmp_path: Path
) -> None:
    folder = tmp_path / "long"
    shutil.copytree(tiny_prepared.folder, folder)
    record = read_encoder_file(folder)
    identity = replace(record.identity, query_prompt="请问：")
    write_encoder_file(folder, replace(record, identity=identity))
    assert OnnxEncoder(folder).count_query_tokens("社" * 1000) == 1005


def test_a_question_and_its_tokens_are_encoded_together(tiny_encoder: OnnxEncoder) -> None:
    vector, tokens = tiny_encoder.encode_query_tokens("补缴社保")
    assert vector.tolist() == tiny_encoder.encode_query("补缴社保").tolist()
    assert tokens.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(tokens, axis=1), 1.0, atol=1e-6)
    assert tiny_encoder.encode_query_tokens("")[1].shape == (0, 32)


def test_tokens_of_prompts_and_those_around_a_text_are_left_out(prepared_e5: OnnxEncoder) -> None:
    identity, question = prepared_e5.identity, "补缴社保"
    assert (identity.query_prompt, identity.passage_prompt) == ("query: ", "passage: ")
    around = prepared_e5.count_tokens("")  # the prompt's, one that opens and one that closes
    (passage,) = prepared_e5.encode_passage_tokens([question])
    assert len(passage) == prepared_e5.count_tokens(question) - around
    assert len(prepared_e5.encode_query_tokens(question)[1]) == len(passage)


def test_tokens_of_passages_keep_their_order_and_agree_with_single_ones(
    tiny_encoder: OnnxEncoder,
) -> None:
    texts = [SENTENCES[i % 64] for i in range(70)]
    around = tiny_encoder.count_tokens("")
    together = tiny_encoder.encode_passage_tokens(texts)
    for text, tokens in zip(texts[:8], together, strict=False):
        (alone,) = tiny_encoder.encode_passage_tokens([text])
        np.testing.assert_allclose(tokens, alone, atol=1e-5)
        assert len(tokens) == tiny_encoder.count_tokens(text) - around
    assert tiny_encoder.encode_passage_tokens([]) == []
    with pytest.raises(ValueError, match="passage 1 has"):
        tiny_encoder.encode_passage_tokens(["短", "长" * 600])


def test_a_question_that_is_too_long_is_cut_between_its_special_tokens(
    tiny_encoder: OnnxEncoder,
) -> None:
    room = 256 - 2 - 2  # special tokens, prompt
    cut = tiny_encoder.encode_query("社" * room + "保险")
    np.testing.assert_array_equal(cut, tiny_encoder.encode_query("社" * room))


def test_a_passage_that_is_too_long_is_an_error(tiny_encoder: OnnxEncoder) -> None:
    assert tiny_encoder.encode_passages(["社" * 252]).shape == (1, 32)
    with pytest.raises(ValueError, match=r"^passage 1 has 257 tokens, tiny takes 256: 社{20}…"):
        tiny_encoder.encode_passages(["社", "社" * 253])


def test_one_encoder_serves_many_threads(tiny_encoder: OnnxEncoder) -> None:
    expected = [tiny_encoder.encode_query(text) for text in SENTENCES]
    wrong: list[str] = []

    def ask() -> None:
        for text, vector in zip(SENTENCES, expected, strict=True):
            if not np.allclose(tiny_encoder.encode_query(text), vector, atol=1e-6):
                wrong.append(text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", ["model.int8.onnx", "model.int8.onnx.data", "tokenizer.json"])
def test_a_changed_file_is_named_with_the_command_that_repairs_it(
    tiny_prepared: Preparation, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_prepared.folder, folder)
    changed, missing = spoilt(folder, tiny_prepared.record, name)
    with pytest.raises(ModelError) as raised:
        OnnxEncoder(folder)
    assert str(raised.value) == changed
    (folder / name).unlink()
    with pytest.raises(ModelError) as raised:
        OnnxEncoder(folder)
    assert str(raised.value) == missing


@pytest.mark.parametrize("encode", ["encode_passages", "encode_passage_tokens"])
def test_a_changed_graph_of_passages_is_an_error_once_there_are_passages(
    tiny_prepared: Preparation, tmp_path: Path, encode: str
) -> None:
    folder = tmp_path / "tiny"
    shutil.copytree(tiny_prepared.folder, folder)
    changed, missing = spoilt(folder, tiny_prepared.record, "model.onnx")
    encoder = OnnxEncoder(folder)
    assert encoder.encode_query("社保").shape == (32,)
    assert encoder.count_tokens("社保") == 6
    with pytest.raises(ModelError) as raised:
        getattr(encoder, encode)(["社保"])
    assert str(raised.value) == changed
    (folder / "model.onnx").unlink()
    with pytest.raises(ModelError) as raised:
        getattr(encoder, encode)(["社保"])
    assert str(raised.value) == missing
    shutil.copy(tiny_prepared.folder / "model.onnx", folder)  # repaired while it runs
    assert len(getattr(encoder, encode)(["社保"])) == 1


def spoilt(folder: Path, record: EncoderFile, name: str) -> tuple[str, str]:
    """Change a file; what is then said of it, and what if it is not there at all."""
    expected = {
        "model.onnx": record.graph.sha256,
        "model.int8.onnx": record.question_graph.sha256,
        "model.int8.onnx.data": record.question_graph.data_sha256,
        "tokenizer.json": record.tokenizer_sha256,
    }[name]
    with (folder / name).open("ab") as file:
        file.write(b" ")
    repair = f"请运行：casebook model prepare {record.source} --force"
    found = file_sha256(folder / name)
    changed = f"{folder / name} 的 sha256 是 {found}，encoder.json 记录的是 {expected}；{repair}"
    return changed, f"缺少 {folder / name}；{repair}"


def run_graph(file: Path, ids: list[int]) -> tuple[Vectors, Vectors]:
    """A graph by itself: the unit vector of a text, and those of its tokens."""
    rows = np.array([ids], dtype=np.int64)
    session = onnxruntime.InferenceSession(file)
    feeds = {"input_ids": rows, "attention_mask": np.ones_like(rows)}
    sentence, tokens = session.run(
        ["sentence_embedding", "token_embeddings"],
        {given.name: feeds[given.name] for given in session.get_inputs()},
    )
    return (
        sentence[0] / np.linalg.norm(sentence[0]),
        tokens[0] / np.linalg.norm(tokens[0], axis=1, keepdims=True),
    )


def test_questions_go_through_the_8_bit_graph_and_passages_through_the_fp32_one(
    tiny_prepared: Preparation, tiny_encoder: OnnxEncoder
) -> None:
    folder = tiny_prepared.folder
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    small, full = folder / "model.int8.onnx", folder / "model.onnx"
    for text in ("补缴社保", "知识产权质押融资"):
        asked = run_graph(small, tokenizer.encode(f"问：{text}").ids)
        exact = run_graph(full, tokenizer.encode(f"问：{text}").ids)
        told = run_graph(full, tokenizer.encode(f"文：{text}").ids)
        vector, tokens = tiny_encoder.encode_query_tokens(text)
        # Neither sums in an order of its own, so only the last places may differ; between 8 bits
        # and fp32 lies a hundred times as much.
        np.testing.assert_allclose(tiny_encoder.encode_query(text), asked[0], atol=1e-6)
        np.testing.assert_allclose(vector, asked[0], atol=1e-6)
        np.testing.assert_allclose(tokens, asked[1][3:-1], atol=1e-6)  # without [CLS] 问 ： [SEP]
        assert np.abs(asked[0] - exact[0]).max() > 1e-4
        passages = tiny_encoder.encode_passages([text])
        np.testing.assert_allclose(passages[0], told[0], atol=1e-6)
        (tokens,) = tiny_encoder.encode_passage_tokens([text])
        np.testing.assert_allclose(tokens, told[1][3:-1], atol=1e-6)


def test_without_an_8_bit_graph_questions_go_through_the_fp32_one(
    tiny_in_fp32: Preparation,
) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_in_fp32.folder / "tokenizer.json"))
    expected, _ = run_graph(
        tiny_in_fp32.folder / "model.onnx", tokenizer.encode("问：补缴社保").ids
    )
    encoder = OnnxEncoder(tiny_in_fp32.folder)
    np.testing.assert_allclose(encoder.encode_query("补缴社保"), expected, atol=1e-6)


def test_the_graph_of_passages_is_opened_once_by_whichever_thread_comes_first(
    tiny_prepared: Preparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    class CountedGraph(Graph):
        def __init__(
            self, folder: Path, record: EncoderFile, name: str, *, shared: bool = False
        ) -> None:
            opened.append(name)
            super().__init__(folder, record, name, shared=shared)

    monkeypatch.setattr("rag.embed.Graph", CountedGraph)
    encoder = OnnxEncoder(tiny_prepared.folder)
    encoder.encode_query("社保")
    assert opened == ["model.int8.onnx"]
    found: list[Vectors] = []
    gate = threading.Barrier(8)

    def encode() -> None:
        gate.wait()
        found.append(encoder.encode_passages(["社保"]))

    threads = [threading.Thread(target=encode) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened == ["model.int8.onnx", "model.onnx"]
    for vectors in found:
        np.testing.assert_allclose(vectors, found[0], atol=1e-6)
    assert len(found) == 8


def test_the_vocabulary_is_mapped_not_read(tiny_prepared: Preparation) -> None:
    script = f"""
from pathlib import Path
from rag.embed import OnnxEncoder
encoder = OnnxEncoder(Path({str(tiny_prepared.folder)!r}))
encoder.encode_query("补缴社保")
print(sorted({{Path(line.split()[-1]).name for line in open("/proc/self/maps") if "model." in line}}))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "['model.int8.onnx.data']"


def test_a_model_that_was_never_prepared_says_how_to(tmp_path: Path) -> None:
    folder = tmp_path / "BAAI__bge-small-zh-v1.5"
    with pytest.raises(ModelError) as raised:
        OnnxEncoder(folder)
    assert str(raised.value) == (
        f"{folder} 里没有准备好的模型（缺少 encoder.json）；"
        "请运行：casebook model prepare BAAI/bge-small-zh-v1.5"
    )


def test_serving_needs_no_network_and_no_torch(tiny_prepared: Preparation) -> None:
    script = f"""
import socket, sys

def refuse(*_, **__):
    raise AssertionError("network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
from pathlib import Path
from rag.embed import OnnxEncoder
encoder = OnnxEncoder(Path({str(tiny_prepared.folder)!r}))
print(encoder.encode_query("补缴社保").shape, encoder.encode_passages(["社保"]).shape)
print(sorted({{"torch", "transformers", "sentence_transformers", "onnx"}} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["(32,) (1, 32)", "[]"]


@pytest.mark.model
def test_m3e_ranks_the_passage_that_answers_first(prepared_m3e: OnnxEncoder) -> None:
    passages = ["企业开办全程网上办理", "法院建立律政联商机制", "知识产权质押融资贷款"]
    scores = prepared_m3e.encode_passages(passages) @ prepared_m3e.encode_query("开公司在哪办手续")
    assert int(np.argmax(scores)) == 0
    assert prepared_m3e.identity.name == "m3e-small"
    assert prepared_m3e.identity.dimension == 512


@pytest.mark.model
def test_e5_finds_the_chinese_passage_by_an_english_question(prepared_e5: OnnxEncoder) -> None:
    passages = ["法院建立律政联商机制", "企业开办全程网上办理", "知识产权质押融资贷款"]
    question = prepared_e5.encode_query("How do I register a new company online?")
    assert int(np.argmax(prepared_e5.encode_passages(passages) @ question)) == 1
    assert prepared_e5.identity.query_prompt == "query: "
