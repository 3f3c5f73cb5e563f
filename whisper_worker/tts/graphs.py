"""Changes to the ONNX graphs of speech models, in memory: what a model leaves to chance is made a matter of place."""

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

SEED = 1
BANK = (192, 1024)
"Channels and frames of fixed noise, which begins again after its last frame (12 s of a Piper voice)."
RANDOM = "RandomNormalLike"


def fix_noise(model: onnx.ModelProto) -> None:
    """Makes equal inputs give equal outputs: each random node of the graph reads from a bank of normal noise.

    The runtime draws anew at every call and has no seed for a call, and no noise at all makes a voice flat. The
    nodes must be of shape [1, channels, frames] with the bank's channels at most. Works in place.
    """
    drawn = [node for node in model.graph.node if node.op_type == RANDOM]
    if not drawn:
        return
    noise = np.random.default_rng(SEED).standard_normal((1, *BANK)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(noise, "fixed/noise"))
    for name, value in {"zero": 0, "one": 1, "channel": 1, "frame": 2, "frames": BANK[1]}.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(value, np.int64), f"fixed/{name}"))
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        nodes += _read_from_bank(node) if node.op_type == RANDOM else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _read_from_bank(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Nodes with the output of a random one: the first channels of the bank, as many frames as are asked for."""
    own = f"fixed/{node.output[0]}"

    def step(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], **attributes)

    return [
        step("Shape", [node.input[0]], f"{own}/shape"),
        step("Gather", [f"{own}/shape", "fixed/channel"], f"{own}/channels", axis=0),
        step("Gather", [f"{own}/shape", "fixed/frame"], f"{own}/frames", axis=0),
        step("Range", ["fixed/zero", f"{own}/channels", "fixed/one"], f"{own}/rows"),
        step("Range", ["fixed/zero", f"{own}/frames", "fixed/one"], f"{own}/counted"),
        step("Mod", [f"{own}/counted", "fixed/frames"], f"{own}/columns"),
        step("Gather", ["fixed/noise", f"{own}/rows"], f"{own}/chosen", axis=1),
        step("Gather", [f"{own}/chosen", f"{own}/columns"], node.output[0], axis=2),
    ]
