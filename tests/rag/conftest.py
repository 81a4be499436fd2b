"""A tiny random encoder that goes the whole way, and the real ones that `make test` prepares."""

import json
from pathlib import Path

import numpy as np
import pytest

from rag.embed import OnnxEncoder
from rag.models import DEFAULT_MODEL
from rag.preparation import parity
from rag.preparation.parity import BUILT_IN_SENTENCES
from rag.preparation.prepare import Preparation, Request, prepare
from rag.preparation.rebuild import write_pipeline

MODELS = Path(__file__).parents[2] / "var" / "models"

HIDDEN, LAYERS, FFN, POSITIONS = 32, 2, 64, 256


def tiny_tokenizer() -> str:
    """A WordPiece tokenizer that knows every character of the built-in sentences."""
    characters = sorted(set("".join(BUILT_IN_SENTENCES)) - {" "})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *characters, *(f"##{character}" for character in characters)]
    template = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    return json.dumps(
        {
            "version": "1.0",
            # Neither may survive preparation: both would be applied in silence.
            "truncation": {
                "direction": "Right",
                "max_length": 8,
                "strategy": "LongestFirst",
                "stride": 0,
            },
            "padding": None,
            "added_tokens": [
                {
                    "id": i,
                    "content": content,
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                for i, content in enumerate(special)
            ],
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": True,
                "strip_accents": None,
                "lowercase": False,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": template,
                "pair": [*template, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {
                    token: {"id": token, "ids": [special.index(token)], "tokens": [token]}
                    for token in ("[CLS]", "[SEP]")
                },
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {piece: i for i, piece in enumerate(pieces)},
            },
        },
        ensure_ascii=False,
    )


def write_tiny_model(folder: Path, prompts: dict[str, str] | None = None) -> None:
    """Write a random BERT of two layers as a sentence-transformers folder."""
    random = np.random.default_rng(7)
    tokenizer = tiny_tokenizer()
    vocabulary = len(json.loads(tokenizer)["model"]["vocab"])
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (vocabulary, HIDDEN),
        "embeddings.position_embeddings.weight": (POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": (2, HIDDEN),
        "embeddings.LayerNorm.weight": (HIDDEN,),
        "embeddings.LayerNorm.bias": (HIDDEN,),
    }
    linear = {
        "attention.self.query": (HIDDEN, HIDDEN),
        "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN),
        "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (FFN, HIDDEN),
        "output.dense": (HIDDEN, FFN),
    }
    for layer in range(LAYERS):
        for name, shape in linear.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (HIDDEN,)
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (HIDDEN,)
    write_pipeline(
        folder,
        config={
            "model_type": "bert",
            "architectures": ["BertModel"],
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": 4,
            "intermediate_size": FFN,
            "vocab_size": vocabulary,
            "max_position_embeddings": POSITIONS,
            "type_vocab_size": 2,
        },
        tensors={
            name: random.normal(scale=0.3, size=shape).astype(np.float32)
            for name, shape in shapes.items()
        },
        tokenizer=tokenizer,
        special_tokens={"pad_token": "[PAD]", "unk_token": "[UNK]"},
        prompts=prompts,
    )


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original") / "tiny"
    folder.mkdir()
    write_tiny_model(folder, prompts={"query": "问：", "passage": "文："})
    return folder


@pytest.fixture(scope="session")
def tiny_prepared(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Preparation:
    return prepare(
        Request(str(tiny_model)),
        tmp_path_factory.mktemp("models"),
        sentences=BUILT_IN_SENTENCES,
    )


@pytest.fixture(scope="session")
def tiny_in_fp32(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Preparation:
    """The tiny model where no 8-bit graph is near enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parity, "MIN_QUESTION_COSINE", 1.1)
        return prepare(
            Request(str(tiny_model)),
            tmp_path_factory.mktemp("fp32"),
            sentences=BUILT_IN_SENTENCES,
        )


@pytest.fixture
def tiny_encoder(tiny_prepared: Preparation) -> OnnxEncoder:
    return OnnxEncoder(tiny_prepared.folder)


@pytest.fixture(scope="session")
def prepared_m3e() -> OnnxEncoder:
    folder = MODELS / "m3e-small"
    if not folder.is_dir():
        pytest.skip("run `casebook model prepare m3e-small` to test it too")
    return OnnxEncoder(folder)


@pytest.fixture(scope="session")
def prepared_e5() -> OnnxEncoder:
    folder = MODELS / DEFAULT_MODEL
    if not folder.is_dir():
        pytest.fail(f"{DEFAULT_MODEL} is not prepared; run: make test")
    return OnnxEncoder(folder)
