"""Edits that every fetched ONNX graph gets before Flyball loads it: any batch size, no denormal weights.

Used by `models.py` after fetching; `dlib.py` builds one graph from nothing, `quantize.py` makes int8 twins.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Weights below this cannot move a float32 result, yet as denormals they cost a CPU 6-30 times the time.
TINY = 1e-12
# The oldest file format in which constants need not be declared as inputs; runtimes fold them only then.
IR_VERSION = 8


def load(path: Path) -> onnx.ModelProto:
    """Reads a graph and moves constants out of its inputs, where old exporters left them."""
    model = onnx.load(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    model.ir_version = max(model.ir_version, IR_VERSION)
    return model


def save(model: onnx.ModelProto, path: Path) -> None:
    """Writes the graph; the same graph always gives the same bytes, so its sha256 can be recorded."""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def flush_tiny_weights(model: onnx.ModelProto) -> int:
    """Sets weights with |w| < TINY to zero, in place; returns how many there were."""
    flushed = 0
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32:
            continue
        tiny = (np.abs(values) < TINY) & (values != 0)
        if tiny.any():
            flushed += int(tiny.sum())
            tensor.CopyFrom(numpy_helper.from_array(np.where(tiny, np.float32(0), values), tensor.name))
    return flushed


def takes(model: onnx.ModelProto, sizes: tuple[tuple[int, int], ...]) -> bool:
    """Whether the graph already accepts all these input sizes (width, height)."""
    dims = model.graph.input[0].type.tensor_type.shape.dim
    height, width = (dims[2].dim_value or None, dims[3].dim_value or None)
    return all(width in (None, w) and height in (None, h) for w, h in sizes)


def free_batch(model: onnx.ModelProto, free_size: bool = False) -> None:
    """Makes the batch dimension `N` (and height and width `H`, `W` when `free_size`), in place."""
    if model.graph.input[0].type.tensor_type.shape.dim[0].dim_param:
        return
    for value in model.graph.input:
        dims = value.type.tensor_type.shape.dim
        _name_dim(dims[0], "N")
        if free_size:
            _name_dim(dims[2], "H")
            _name_dim(dims[3], "W")
    for value in model.graph.output:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if axis == 0 or free_size:
                _name_dim(dim, "N" if axis == 0 else f"{value.name}_{axis}")
    del model.graph.value_info[:]
    _free_reshapes(model.graph)


def _name_dim(dim: onnx.TensorShapeProto.Dimension, name: str) -> None:
    dim.Clear()
    dim.dim_param = name


def _free_reshapes(graph: onnx.GraphProto) -> None:
    """A reshape to [1, ...] would pin the batch: 0 copies that dimension from the input instead."""
    targets = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in targets:
            _copy_first_dim(tensor)
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] in targets:
            _copy_first_dim(node.attribute[0].t)


def _copy_first_dim(tensor: onnx.TensorProto) -> None:
    shape = numpy_helper.to_array(tensor).copy()
    if shape.size and shape[0] == 1:
        shape[0] = 0
        tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A twin with 16-bit weights and arithmetic; inputs and outputs stay float32.

    Only for graphs whose float constants are all weights (convolutions, PReLU, Gemm): a Resize or a
    float-typed attribute would need care that none of our models asks for.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    graph = half.graph
    del graph.value_info[:]
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32:
            limit = float(np.finfo(np.float16).max)
            tensor.CopyFrom(numpy_helper.from_array(values.clip(-limit, limit).astype(np.float16), tensor.name))
    inner = {value.name: f"{value.name}_half" for value in [*graph.input, *graph.output]}
    for node in graph.node:
        node.input[:] = [inner.get(name, name) for name in node.input]
        node.output[:] = [inner.get(name, name) for name in node.output]
    into = [helper.make_node("Cast", [v.name], [inner[v.name]], to=TensorProto.FLOAT16) for v in graph.input]
    out = [helper.make_node("Cast", [inner[v.name]], [v.name], to=TensorProto.FLOAT) for v in graph.output]
    nodes = [*into, *graph.node, *out]
    del graph.node[:]
    graph.node.extend(nodes)
    return half
