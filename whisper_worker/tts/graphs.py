"""Changes to the ONNX graphs of speech models, in memory: what a model leaves to chance is made a matter of place."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import helper, numpy_helper
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf

FAULTS = (OSError, ValueError, KeyError, DecodeError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf)
"What reading a file that is no model may raise, or loading it."
SEED = 1
BANK = 192 * 1024
"Numbers of fixed noise, which begin again after the last: 12 seconds of all channels of a Piper voice."
RANDOM = ("RandomNormalLike", "RandomUniformLike")


def read(path: Path) -> onnx.ModelProto:
    """Raises one of `FAULTS`."""
    return onnx.load(str(path))


def fix_noise(model: onnx.ModelProto) -> None:
    """Makes equal inputs give equal outputs: each random node of the graph reads from a bank of noise instead.

    The runtime draws anew at every call and has no seed for a call, and no noise at all makes a voice flat. Noise is
    of mean 0 and deviation 1, or between 0 and 1. Works in place.
    """
    drawn = {node.op_type for node in model.graph.node} & set(RANDOM)
    if not drawn:
        return
    chance = np.random.default_rng(SEED)
    normal, uniform = chance.standard_normal(BANK), chance.random(BANK)
    constants = {RANDOM[0]: normal.astype(np.float32), RANDOM[1]: uniform.astype(np.float32)}
    constants |= {name: np.array(value, np.int64) for name, value in {"zero": 0, "one": 1, "bank": BANK}.items()}
    for name, value in constants.items():
        if name in drawn or name not in RANDOM:
            model.graph.initializer.append(numpy_helper.from_array(value, f"fixed/{name}"))
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        nodes += _read_from_bank(node) if node.op_type in RANDOM else [node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _read_from_bank(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Nodes with the output of a random one: so many numbers of the bank, in the shape that is asked for."""
    own = f"fixed/{node.output[0]}"

    def step(kind: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], **attributes)

    return [
        step("Shape", [node.input[0]], f"{own}/shape"),
        step("ReduceProd", [f"{own}/shape"], f"{own}/size", keepdims=0),
        step("Range", ["fixed/zero", f"{own}/size", "fixed/one"], f"{own}/counted"),
        step("Mod", [f"{own}/counted", "fixed/bank"], f"{own}/places"),
        step("Gather", [f"fixed/{node.op_type}", f"{own}/places"], f"{own}/drawn", axis=0),
        step("Reshape", [f"{own}/drawn", f"{own}/shape"], node.output[0]),
    ]
