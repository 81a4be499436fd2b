"""Shared by the tests of rag: four cases, a tiny random encoder, and the prepared real ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.decoders import WordPiece as WordPieceDecoder
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from index.build import build
from index.store import current_version, open_version
from rag.assistant import Assistant
from rag.cases import read_cases
from rag.chunk import passages_of
from rag.embed import OnnxEncoder
from rag.filters import Filters
from rag.models import DEFAULT_MODEL
from rag.preparation import parity
from rag.preparation.parity import BUILT_IN_SENTENCES
from rag.preparation.prepare import Preparation, Request, prepare
from rag.preparation.rebuild import write_pipeline
from rag.source import decode
from rag.types import Case, Passage

MODELS = Path(__file__).parents[2] / "var" / "models"

TEXT = """\
甲市2022年优化营商环境优秀案例

排名1
退税快办

静安区推出智能退税，企业三日到账。

排名2
帮办代办

嘉定区设立帮办站，帮办员现场服务。

甲市2023年优化营商环境良好实践

排名1
帮办代办

嘉定区设立帮办站，帮办员现场服务。

排名2
律师服务

法律服务团为企业提供帮助，随叫随到。
"""

HIDDEN, LAYERS, FFN, POSITIONS = 32, 2, 64, 256


@pytest.fixture
def text() -> str:
    """Four cases of two years; the third repeats the second."""
    return TEXT


@pytest.fixture
def cases(text: str) -> tuple[Case, ...]:
    return read_cases([decode("甲市.txt", text.encode())])


@pytest.fixture
def passages(cases: tuple[Case, ...]) -> tuple[Passage, ...]:
    """One passage a case."""
    return tuple(passage for case in cases for passage in passages_of(case, len))


@pytest.fixture
def indexed(tmp_path: Path, encoder) -> Callable[[str], Assistant]:
    """Index a text and open the index."""

    def make(text: str) -> Assistant:
        (tmp_path / "甲市.txt").write_text(text, encoding="utf-8")
        build([tmp_path / "甲市.txt"], tmp_path / "index", encoder)
        return open_version(current_version(tmp_path / "index"), encoder)

    return make


@pytest.fixture
def assistant(indexed: Callable[[str], Assistant], text: str) -> Assistant:
    return indexed(text)


@pytest.fixture
def titles(assistant: Assistant) -> Callable[..., list[str]]:
    """Search the four cases; give year and title of what is found."""

    def search(question: str, **filters: tuple[object, ...]) -> list[str]:
        found = assistant.search(question, filters=Filters(**filters))  # type: ignore[arg-type]
        return [f"{f.citation.year} {f.citation.title}" for f in found.findings]

    return search


def tiny_tokenizer() -> Tokenizer:
    """A WordPiece tokenizer that knows every character of the built-in sentences."""
    characters = sorted(set("".join(BUILT_IN_SENTENCES)) - {" "})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [*special, *characters, *(f"##{character}" for character in characters)]
    ids = {piece: number for number, piece in enumerate(pieces)}
    made = Tokenizer(WordPiece(ids))
    made.normalizer = BertNormalizer(strip_accents=None, lowercase=False)
    made.pre_tokenizer = BertPreTokenizer()
    made.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1",
        special_tokens=[(word, ids[word]) for word in ("[CLS]", "[SEP]")],
    )
    made.decoder = WordPieceDecoder()
    made.add_special_tokens(special)
    made.enable_truncation(8)  # may not survive preparation: it would be applied in silence
    return made


def write_tiny_model(folder: Path, prompts: dict[str, str] | None = None) -> None:
    """Write a random BERT of two layers as a sentence-transformers folder."""
    random = np.random.default_rng(7)
    tokenizer = tiny_tokenizer()
    vocabulary = tokenizer.get_vocab_size()
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
        tokenizer=tokenizer.to_str(),
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
