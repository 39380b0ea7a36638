"""Makes an int8 twin of a plain convolutional graph from recorded activation ranges.

Static quantization in ONNX's QDQ form: int8 weights per output channel (symmetric), uint8 activations per tensor
(asymmetric), int32 biases. The ranges come from `calibration.json`, which `calibrate.py` measures; so making the
twin is arithmetic only and gives the same bytes on every machine.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

WEIGHT_STEPS = 127  # int8 without -128, so that zero is exact
ACTIVATION_STEPS = 255  # uint8
QUANTIZED = ("Conv", "Add", "AveragePool", "Pad")  # kinds whose inputs become uint8
# Except what the first pooling hands to a residual sum: rounding that one signal too moved sample embeddings from
# cosine 0.9996 to 0.9906 of the full precision ones.
KEPT_FLOAT = ("MaxPool", "Add")


def to_int8(model: onnx.ModelProto, calibration: Path) -> onnx.ModelProto:
    """The twin; `model` is left as it is."""
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    ranges = json.loads(calibration.read_text())["ranges"]
    writer = _Writer(twin.graph, ranges)
    for node in list(twin.graph.node):
        writer.write(node)
    del twin.graph.node[:]
    twin.graph.node.extend(writer.nodes)
    del twin.graph.initializer[:]
    twin.graph.initializer.extend(writer.constants.values())
    return twin


def observed(graph: onnx.GraphProto) -> list[str]:
    """The activations whose ranges `to_int8` needs, in graph order."""
    constants = {tensor.name for tensor in graph.initializer}
    names: dict[str, None] = {}
    for node in graph.node:
        if node.op_type in QUANTIZED:
            names.update({name: None for name in node.input if name not in constants})
    return list(names)


class _Writer:
    """Copies nodes, putting quantize and dequantize pairs in front of the inputs that take them."""

    def __init__(self, graph: onnx.GraphProto, ranges: dict[str, list[float]]) -> None:
        self.ranges = ranges
        self.constants = {tensor.name: tensor for tensor in graph.initializer}
        self.makers = {result: node.op_type for node in graph.node for result in node.output}
        self.scales: dict[str, np.ndarray] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.rounded: dict[str, str] = {}

    def write(self, node: onnx.NodeProto) -> None:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for at, name in enumerate(node.input):
            keeps = (self.makers.get(name), node.op_type) == KEPT_FLOAT
            if node.op_type in QUANTIZED and name not in self.constants and not keeps:
                copy.input[at] = self.activation(name)
        if node.op_type == "Conv":
            copy.input[1] = self.weight(node.input[1])
            copy.input[2] = self.bias(node.input[2], node.input[0], node.input[1])
        self.nodes.append(copy)

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants[name] = numpy_helper.from_array(values, name)
        return name

    def activation(self, name: str) -> str:
        """`name` rounded to 256 steps over its recorded range, as float again."""
        if name in self.rounded:
            return self.rounded[name]
        low, high = self.ranges[name]
        low, high = min(low, 0.0), max(high, 0.0)
        scale = np.float32((high - low) / ACTIVATION_STEPS)
        zero = np.uint8(np.clip(np.rint(-low / scale), 0, ACTIVATION_STEPS))
        self.scales[name] = scale
        parameters = [self.constant(f"{name}.scale", np.array(scale)), self.constant(f"{name}.zero", np.array(zero))]
        self.nodes.append(helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}.q"]))
        self.nodes.append(helper.make_node("DequantizeLinear", [f"{name}.q", *parameters], [f"{name}.dq"]))
        self.rounded[name] = f"{name}.dq"
        return self.rounded[name]

    def weight(self, name: str) -> str:
        """Kernels as int8, one scale an output channel."""
        values = numpy_helper.to_array(self.constants.pop(name)).astype(np.float64)
        widest = np.abs(values).reshape(len(values), -1).max(1)
        scale = (np.where(widest == 0, 1.0, widest) / WEIGHT_STEPS).astype(np.float32)
        steps = np.rint(values / scale.reshape(-1, 1, 1, 1)).astype(np.int8)
        self.scales[name] = scale
        return self._dequantized(name, steps, scale)

    def bias(self, name: str, activation: str, weight: str) -> str:
        """Biases as int32 in units of activation scale times weight scale, as integer kernels expect."""
        values = numpy_helper.to_array(self.constants.pop(name)).astype(np.float64)
        scale = (self.scales[activation] * self.scales[weight]).astype(np.float32)
        limit = np.iinfo(np.int32)
        steps = np.clip(np.rint(values / scale), limit.min, limit.max).astype(np.int32)
        return self._dequantized(name, steps, scale)

    def _dequantized(self, name: str, steps: np.ndarray, scale: np.ndarray) -> str:
        zeros = np.zeros(scale.shape, steps.dtype)
        parameters = [self.constant(f"{name}.q", steps), self.constant(f"{name}.scale", scale), self.constant(f"{name}.zero", zeros)]
        self.nodes.append(helper.make_node("DequantizeLinear", parameters, [f"{name}.dq"], axis=0))
        return f"{name}.dq"
