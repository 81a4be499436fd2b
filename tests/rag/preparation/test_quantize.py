"""The graph in 8 bits: how near its weights are, and what stays as it is."""

import stat
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from rag.embed import OnnxEncoder
from rag.preparation import export
from rag.preparation.fuse import fused
from rag.preparation.parity import BUILT_IN_SENTENCES, questions_of
from rag.preparation.prepare import Preparation
from rag.preparation.quantize import write_int8_graph
from rag.preparation.smooth import smooth

LAYERS = 2


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {w.name: numpy_helper.to_array(w) for w in model.graph.initializer}


def rows_of(prepared: Preparation) -> list[np.ndarray]:
    encoder = OnnxEncoder(prepared.folder)
    return [encoder.query_ids(text) for text in questions_of(encoder, BUILT_IN_SENTENCES)]


def test_every_weight_is_within_half_a_step_of_its_column(tiny_prepared: Preparation) -> None:
    model = fused(tiny_prepared.folder / "model.onnx", rows_of(tiny_prepared))
    smooth(model, rows_of(tiny_prepared))
    full = weights(model)
    small = weights(onnx.load(tiny_prepared.folder / "model.int8.onnx"))
    names = [name.removesuffix("_quantized") for name in small if name.endswith("_quantized")]
    # Of each layer query, key and value together, what follows them, and the feed-forward two.
    assert len(names) == LAYERS * 4
    for name in names:
        values, scale = small[f"{name}_quantized"], small[f"{name}_scale"]
        assert values.dtype == np.int8
        assert np.abs(values.astype(int)).max() <= 64  # 7 bits: two products fit 16
        assert scale.shape == full[name].shape[1:]
        assert np.all(np.abs(values * scale - full[name]) <= scale * 0.5001)
        assert name not in small


def test_all_products_with_weights_are_in_8_bits_and_attention_is_one_operator(
    tiny_prepared: Preparation,
) -> None:
    graph = onnx.load(tiny_prepared.folder / "model.int8.onnx").graph
    operators = Counter(node.op_type for node in graph.node)
    assert operators["QAttention"] == LAYERS
    assert operators["MatMulInteger"] == LAYERS * 3
    assert not operators.keys() & {"MatMul", "Attention", "Softmax", "Erf"}


def test_lookups_and_normalisation_stay_as_they_are(tiny_prepared: Preparation) -> None:
    full = weights(onnx.load(tiny_prepared.folder / "model.onnx"))
    small = weights(onnx.load(tiny_prepared.folder / "model.int8.onnx"))
    kept = [name for name in full if "word_embeddings" in name or "LayerNorm" in name]
    assert len(kept) == 1 + 2 * (1 + 2 * LAYERS)
    for name in kept:
        np.testing.assert_array_equal(small[name], full[name])


def test_both_files_can_be_read_by_the_same_people_and_come_out_the_same_twice(
    tiny_prepared: Preparation, tmp_path: Path
) -> None:
    first = tiny_prepared.folder / "model.int8.onnx"
    again = tmp_path / "model.int8.onnx"
    longest = tiny_prepared.record.identity.max_tokens
    write_int8_graph(tiny_prepared.folder / "model.onnx", again, rows_of(tiny_prepared), longest)
    for suffix in ("", ".data"):
        file = again.with_name(again.name + suffix)
        assert file.read_bytes() == first.with_name(first.name + suffix).read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(first.stat().st_mode)


def test_nothing_of_the_exporters_machine_is_left_in_it(tiny_prepared: Preparation) -> None:
    assert str(Path(export.__file__).parent).encode() not in (
        (tiny_prepared.folder / "model.int8.onnx").read_bytes()
    )
