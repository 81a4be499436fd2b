"""The adapter over sentence-transformers, with random cross-encoders small enough to build here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from eval.crossencoder import CrossEncoderReranker, RerankerError
from rag.rerank import Reranker

TEXTS = ["退税三日到账", "帮办员现场服务", "退税"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *dict.fromkeys("".join(TEXTS) + "几天？")]


def tokenizer() -> Tokenizer:
    """One token a character, and pairs told apart."""
    ids = {word: number for number, word in enumerate(WORDS)}
    made = Tokenizer(WordPiece(ids))
    made.normalizer = BertNormalizer(strip_accents=None, lowercase=False)
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(word, ids[word]) for word in ("[CLS]", "[SEP]")],
    )
    return made


@pytest.fixture(scope="module")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Write a random BERT with a head of some labels, or without a head."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    def make(labels: int = 1, **changes: object) -> Path:
        folder = tmp_path_factory.mktemp("reranker")
        torch.manual_seed(7)
        config = BertConfig(
            vocab_size=len(WORDS),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=16,
            max_position_embeddings=32,
            initializer_range=0.5,
            num_labels=max(1, labels),
            **changes,
        )
        network = BertForSequenceClassification(config) if labels else BertModel(config)
        network.save_pretrained(folder)
        tokenizer().save(str(folder / "tokenizer.json"))
        words = {"pad_token": "[PAD]", "unk_token": "[UNK]", "model_max_length": 32}
        kind = {"tokenizer_class": "PreTrainedTokenizerFast", **words}
        (folder / "tokenizer_config.json").write_text(json.dumps(kind), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="module")
def folder(make_model) -> Path:
    return make_model()


def test_scores_are_the_sigmoid_of_the_networks_own_logit_in_the_order_of_the_texts(
    folder: Path,
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    read = PreTrainedTokenizerFast.from_pretrained(folder)
    expected = []
    for text in TEXTS:
        with torch.inference_mode():
            logit = network(**read("退税几天？", text, return_tensors="pt")).logits.item()
        expected.append(1 / (1 + np.exp(-logit)))

    reranker: Reranker = CrossEncoderReranker(str(folder))
    scores = reranker.score("退税几天？", TEXTS)

    assert (scores.dtype, scores.shape) == (np.float32, (3,))
    assert scores.tolist() == pytest.approx(expected, abs=1e-5)
    assert len({round(score, 4) for score in scores.tolist()}) == 3
    backwards = reranker.score("退税几天？", TEXTS[::-1])
    assert backwards.tolist() == pytest.approx(scores.tolist()[::-1], abs=1e-5)


def test_scores_lie_in_0_to_1_even_where_the_model_declares_no_activation(make_model) -> None:
    plain = {"activation_fn": "torch.nn.modules.linear.Identity"}
    reranker = CrossEncoderReranker(str(make_model(sentence_transformers=plain)))
    scores = reranker.score("退税几天？", TEXTS)
    assert ((scores > 0) & (scores < 1)).all()


def test_a_pair_longer_than_the_model_takes_is_cut_at_its_end(folder: Path) -> None:
    reranker = CrossEncoderReranker(str(folder))
    longer = reranker.score("退税", ["帮办" * 30, "帮办" * 30 + "退税"])
    assert longer[0] == longer[1]


def test_no_texts_have_no_scores_and_need_no_model() -> None:
    scores = CrossEncoderReranker("no/such-model").score("退税", [])
    assert (scores.dtype, scores.shape) == (np.float32, (0,))


def test_the_model_is_loaded_when_first_asked(tmp_path: Path) -> None:
    empty = CrossEncoderReranker(str(tmp_path))
    with pytest.raises(RerankerError, match="无法载入"):
        empty.score("退税", TEXTS)


def test_a_folder_that_is_not_there_is_found_at_once(tmp_path: Path) -> None:
    with pytest.raises(RerankerError, match=r"没有 不存在；应为交叉编码器的文件夹，请检查"):
        CrossEncoderReranker(str(tmp_path / "没有"))


def test_a_damaged_model_is_named(make_model) -> None:
    folder = make_model()
    (folder / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0not json")
    with pytest.raises(RerankerError, match=r"无法载入（.+权重为 safetensors，请检查名称"):
        CrossEncoderReranker(str(folder)).score("退税", TEXTS)


def test_an_encoder_without_a_head_is_no_cross_encoder(make_model) -> None:
    with pytest.raises(RerankerError, match=r"不是交叉编码器：它是 BertModel，.+或留空不重排"):
        CrossEncoderReranker(str(make_model(labels=0))).score("退税", TEXTS)


@pytest.mark.parametrize("labels", [2, 3])
def test_a_model_of_several_labels_is_refused(make_model, labels: int) -> None:
    with pytest.raises(RerankerError, match=f"有 {labels} 个标签，应为 1 个；请在 reranker 里换"):
        CrossEncoderReranker(str(make_model(labels))).score("退税", TEXTS)


def test_importing_the_workbench_loads_no_torch() -> None:
    import subprocess

    code = "import sys, eval.workbench; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
