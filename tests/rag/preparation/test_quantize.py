"""The graph in 8 bits: how near its weights are, and what stays as it is."""

import stat
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from rag.preparation import export
from rag.preparation.prepare import Preparation
from rag.preparation.quantize import write_int8_graph


def weights(file: Path) -> dict[str, np.ndarray]:
    return {w.name: numpy_helper.to_array(w) for w in onnx.load(file).graph.initializer}


def test_every_weight_is_within_half_a_step_of_its_column(tiny_prepared: Preparation) -> None:
    full = weights(tiny_prepared.folder / "model.onnx")
    small = weights(tiny_prepared.folder / "model.int8.onnx")
    names = [name.removesuffix("_quantized") for name in small if name.endswith("_quantized")]
    # Of the six linear maps of each of two layers, all but the one that narrows.
    assert len(names) == 2 * 5
    narrowing = [
        name for name, value in full.items() if value.ndim == 2 and np.greater(*value.shape)
    ]
    assert not set(narrowing) & set(names)
    for name in names:
        values, scale = small[f"{name}_quantized"], small[f"{name}_scale"]
        assert values.dtype == np.int8
        assert np.abs(values.astype(int)).max() <= 64  # 7 bits: two products fit 16
        assert scale.shape == full[name].shape[1:]
        assert np.all(np.abs(values * scale - full[name]) <= scale * 0.5001)
        assert name not in small


def test_lookups_and_normalisation_stay_as_they_are(tiny_prepared: Preparation) -> None:
    full = weights(tiny_prepared.folder / "model.onnx")
    small = weights(tiny_prepared.folder / "model.int8.onnx")
    kept = [name for name in full if "embeddings" in name or "LayerNorm" in name]
    assert len(kept) >= 3 + 2 * (1 + 2 * 2)
    for name in kept:
        np.testing.assert_array_equal(small[name], full[name])


def test_both_files_can_be_read_by_the_same_people_and_come_out_the_same_twice(
    tiny_prepared: Preparation, tmp_path: Path
) -> None:
    first = tiny_prepared.folder / "model.int8.onnx"
    again = tmp_path / "model.int8.onnx"
    write_int8_graph(tiny_prepared.folder / "model.onnx", again)
    for suffix in ("", ".data"):
        file = again.with_name(again.name + suffix)
        assert file.read_bytes() == first.with_name(first.name + suffix).read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(first.stat().st_mode)


def test_nothing_of_the_exporters_machine_is_left_in_it(tiny_prepared: Preparation) -> None:
    assert str(Path(export.__file__).parent).encode() not in (
        (tiny_prepared.folder / "model.int8.onnx").read_bytes()
    )
