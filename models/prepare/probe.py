"""Joins a linear probe to the image encoder it was fitted on, so that one graph gives one probability.

probability = sigmoid(w · e/|e| + b), with e the encoder's embedding.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(encoder: onnx.ModelProto, head: Path) -> onnx.ModelProto:
    """The encoder with `probability` [N,1] as its only output."""
    fitted = json.loads(head.read_text())
    graph = encoder.graph
    embedding = graph.output[0].name
    weights = np.array(fitted["weights"], np.float32).reshape(-1, 1)
    graph.initializer.append(numpy_helper.from_array(weights, "probe.w"))
    graph.initializer.append(numpy_helper.from_array(np.array([fitted["bias"]], np.float32), "probe.b"))
    graph.node.extend(
        [
            helper.make_node("LpNormalization", [embedding], ["unit_embedding"], axis=1, p=2),
            helper.make_node("Gemm", ["unit_embedding", "probe.w", "probe.b"], ["probe_score"]),
            helper.make_node("Sigmoid", ["probe_score"], ["probability"]),
        ]
    )
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info("probability", TensorProto.FLOAT, ["N", 1]))
    return encoder
