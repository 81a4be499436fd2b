"""Graph for texts in batches -> the same for one text at a time, with less to work out.

A text alone has no padding, so its mask is all ones, and what depends on nothing but its length, such
as where its tokens stand, is the same for all texts of that length: it is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rag.preparation.probe import observed

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_TEXT = "input_ids"
_LENGTH, _START = "text_length", "text_start"
_MASK = 3  # place among the inputs of attention
_LENGTHS_TRIED = (2, 5)

ByLength: TypeAlias = Sequence[NDArray[np.number]]
"""What a tensor is for a text of one token, of two, and so on."""


def for_one_text(model: ModelProto, longest: int) -> None:
    """Change a graph in place into one for texts of equal length, each without padding.

    What is looked up is what the graph itself gives, for every length; what has neither one place a
    token nor one shape for all lengths stays worked out. An input that nothing asks for any more is
    gone: a graph that needs no mask takes none.

    Args:
        model: Takes ``input_ids`` and others that ``rag.graph.feeds_of`` makes of them.
        longest: Tokens of the longest text.
    """
    from onnxscript import optimizer  # noqa: PLC0415 -- needed while preparing only

    _take_shapes_of_the_text(model)
    by_length = _by_length(model, longest)
    ones = {name for name, values in by_length.items() if all(np.all(v == 1) for v in values)}
    _drop_masks(model, ones)
    _drop_factors(model, ones)
    # Shapes cost nothing; numbers do.
    _look_up(model, {n: v for n, v in by_length.items() if v[0].dtype == np.float32})
    optimizer.remove_unused_nodes(model)
    del model.graph.value_info[:]  # it writes down shapes, and not all are those of fused operators
    asked = {name for node in model.graph.node for name in node.input}
    inputs = [given for given in model.graph.input if given.name in asked]
    del model.graph.input[:]
    model.graph.input.extend(inputs)


def _take_shapes_of_the_text(model: ModelProto) -> None:
    """Read shapes off the tokens: all inputs have the same."""
    given = {value.name for value in model.graph.input}
    for node in model.graph.node:
        if node.op_type == "Shape" and node.input[0] in given:
            node.input[0] = _TEXT


def _reading(model: ModelProto) -> list[NodeProto]:
    """Find the operators whose results depend on the text, not on its length alone."""
    names, found = {_TEXT}, []
    for node in model.graph.node:
        if node.op_type != "Shape" and not names.isdisjoint(node.input):
            names.update(node.output)
            found.append(node)
    return found


def _by_length(model: ModelProto, longest: int) -> dict[str, ByLength]:
    """Find what depends on the length alone and is asked for by what reads the text."""
    reading = _reading(model)
    own = {name for node in reading for name in node.output}
    other = {name for node in model.graph.node for name in node.output} - own
    names = sorted(other.intersection(name for node in reading for name in node.input))
    if not names:
        return {}
    texts = ([np.zeros(length, np.int64)] for length in range(1, longest + 1))
    return dict(zip(names, zip(*observed(model, names, texts), strict=True), strict=True))


def _drop_masks(model: ModelProto, ones: set[str]) -> None:
    """Take from attention a mask that hides nothing."""
    for node in model.graph.node:
        if node.op_type == "Attention" and ones.intersection(node.input[_MASK : _MASK + 1]):
            node.input[_MASK] = ""
            while not node.input[-1]:
                node.input.pop()


def _drop_factors(model: ModelProto, ones: set[str]) -> None:
    """Take out products with nothing but ones, unless these make more of what they are multiplied with."""
    given = {output.name for output in model.graph.output}
    for node in model.graph.node:
        others = [name for name in node.input if name not in ones]
        (product,) = node.output if node.op_type == "Mul" else ("",)
        if len(others) == 1 and product not in {"", *given} and _alike(model, others[0], product):
            _ask_instead(model.graph.node, {product: others[0]})


def _alike(model: ModelProto, one: str, other: str) -> bool:
    """Whether two tensors have the same shape, whatever the length."""
    texts = ([np.zeros(length, np.int64)] for length in _LENGTHS_TRIED)
    return all(a.shape == b.shape for a, b in observed(model, [one, other], texts))


def _look_up(model: ModelProto, by_length: Mapping[str, ByLength]) -> None:
    """Put constants and tables in place of what depends on the length."""
    from onnx import helper, numpy_helper  # noqa: PLC0415 -- needed while preparing only

    constants: dict[str, NDArray[np.number]] = {}
    finding: list[NodeProto] = []
    instead: dict[str, str] = {}
    for name, values in by_length.items():
        table, found = f"{name}_by_length", f"{name}_looked_up"
        if all(np.array_equal(value, values[0]) for value in values):
            constants[found] = values[0]
        elif (axis := _axis_of_places(values)) is not None:
            constants |= {table: values[-1], f"{table}_axis": np.array([axis])}
            given = [table, _START, _LENGTH, f"{table}_axis"]
            finding.append(helper.make_node("Slice", given, [found], name=found))
        elif {value.shape[:1] for value in values} == {(1,)} and _one_shape(values):
            # The first row is that of no token, and is never asked for.
            constants[table] = np.concatenate([values[0], *values])
            finding.append(helper.make_node("Gather", [table, _LENGTH], [found], name=found))
        else:
            continue
        instead[name] = found
    _ask_instead(_reading(model), instead)
    if finding:
        constants[_START] = np.array([0])
        length = helper.make_node("Shape", [_TEXT], [_LENGTH], name=_LENGTH, start=1, end=2)
        nodes = [length, *finding, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in constants.items())


def _ask_instead(nodes: Iterable[NodeProto], instead: Mapping[str, str]) -> None:
    """Let operators take other tensors than they took."""
    for node in nodes:
        for place, name in enumerate(node.input):
            node.input[place] = instead.get(name, name)


def _axis_of_places(values: ByLength) -> int | None:
    """Find the axis along which a shorter text has the beginning of what the longest has."""
    whole = values[-1]
    for axis in range(whole.ndim):
        parts = (whole.take(range(length), axis) for length in range(1, len(values) + 1))
        if whole.shape[axis] == len(values) and all(map(np.array_equal, parts, values)):
            return axis
    return None


def _one_shape(values: ByLength) -> bool:
    return len({value.shape for value in values}) == 1
