"""Builds the dlib face recognition ResNet as ONNX from the weights that face-api publishes for browsers.

The network is a 29-convolution residual net (D. King, dlib `dnn_face_recognition_resnet_model_v1`, CC0):
150x150 RGB in, a 128-number descriptor out. `quantize.py` makes its int8 twin.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 13  # the first in which per-channel int8 weights are valid, needed by the twin
SIDE = 150
DESCRIPTOR = 128
# (block, repeats after it, channels added, pad one row and column to meet the shortcut)
DOWNSTEPS = (
    ("conv64_down", ("conv64_1", "conv64_2", "conv64_3"), 32, False),
    ("conv128_down", ("conv128_1", "conv128_2"), 64, False),
    ("conv256_down", ("conv256_1", "conv256_2"), 128, True),
    ("conv256_down_out", (), 0, True),
)


def read_weights(listing: Path) -> dict[str, np.ndarray]:
    """Decodes the shards beside `listing` (…-weights_manifest.json) into named float32 arrays."""
    group = json.loads(listing.read_text())[0]
    blob = b"".join((listing.parent / shard).read_bytes() for shard in group["paths"])
    weights, at = {}, 0
    for entry in group["weights"]:
        quantized = entry.get("quantization")
        kind = np.dtype(quantized["dtype"] if quantized else "float32")
        count = int(np.prod(entry["shape"]))
        values = np.frombuffer(blob, kind, count, at).astype(np.float32)
        if quantized:
            values = values * np.float32(quantized["scale"]) + np.float32(quantized["min"])
        weights[entry["name"]] = values.reshape(entry["shape"]).astype(np.float32)
        at += count * kind.itemsize
    if at != len(blob):
        raise ValueError(f"{listing}: describes {at} bytes of weights, the shards hold {len(blob)}")
    return weights


class _Net:
    """Collects nodes and constants while the layers are written down in order."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def op(self, kind: str, inputs: list[str], **attributes) -> str:
        result = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [result], name=result, **attributes))
        return result

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def conv(self, x: str, layer: str, stride: int = 1, pad: int = 1) -> str:
        """A convolution with the per-channel scale and shift that follows it folded in."""
        scale = self.weights[f"{layer}/scale/weights"]
        kernel = self.weights[f"{layer}/conv/filters"].transpose(3, 2, 0, 1) * scale[:, None, None, None]
        shift = self.weights[f"{layer}/conv/bias"] * scale + self.weights[f"{layer}/scale/biases"]
        inputs = [x, self.constant(f"{layer}.w", kernel), self.constant(f"{layer}.b", shift)]
        return self.op("Conv", inputs, strides=[stride] * 2, pads=[pad] * 4, kernel_shape=list(kernel.shape[2:]))

    def relu(self, x: str) -> str:
        return self.op("Relu", [x])

    def pad(self, x: str, name: str, axis_ends: tuple[int, int, int]) -> str:
        """Zeros appended at the end of channels, rows and columns."""
        return self.op("Pad", [x, self.constant(name, np.array([0, 0, 0, 0, 0, *axis_ends], np.int64))])

    def residual(self, x: str, block: str) -> str:
        inner = self.conv(self.relu(self.conv(x, f"{block}/conv1")), f"{block}/conv2")
        return self.relu(self.op("Add", [inner, x]))

    def downstep(self, x: str, block: str, more_channels: int, pad_inner: bool) -> str:
        inner = self.conv(self.relu(self.conv(x, f"{block}/conv1", stride=2, pad=0)), f"{block}/conv2")
        shortcut = self.op("AveragePool", [x], kernel_shape=[2, 2], strides=[2, 2])
        if pad_inner:
            inner = self.pad(inner, f"{block}.rows", (0, 1, 1))
        if more_channels:
            shortcut = self.pad(shortcut, f"{block}.channels", (more_channels, 0, 0))
        return self.relu(self.op("Add", [shortcut, inner]))


def build(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The whole network, batch free: `input` [N,3,150,150] -> `output` [N,128]."""
    net = _Net(weights)
    x = net.relu(net.conv("input", "conv32_down", stride=2, pad=0))
    x = net.op("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2])
    for block in ("conv32_1", "conv32_2", "conv32_3"):
        x = net.residual(x, block)
    for block, repeats, more_channels, pad_inner in DOWNSTEPS:
        x = net.downstep(x, block, more_channels, pad_inner)
        for repeat in repeats:
            x = net.residual(x, repeat)
    x = net.op("Flatten", [net.op("GlobalAveragePool", [x])])
    net.nodes.append(helper.make_node("MatMul", [x, net.constant("fc", weights["fc"])], ["output"], name="fc"))
    takes = helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])
    gives = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", DESCRIPTOR])
    graph = helper.make_graph(net.nodes, "dlib_resnet", [takes], [gives], net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    _check_sums(model)
    return model


def _check_sums(model: onnx.ModelProto) -> None:
    """Both sides of every residual sum must have one shape: a wrong pad would broadcast and go unnoticed."""
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.value_info
    shapes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim] for value in inferred}
    for node in model.graph.node:
        if node.op_type == "Add" and shapes[node.input[0]] != shapes[node.input[1]]:
            raise ValueError(f"dlib ResNet: {node.name} adds {shapes[node.input[0]]} to {shapes[node.input[1]]}")
