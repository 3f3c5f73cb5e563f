"""A checkpoint of openai-whisper, made of the same weights in the form of CTranslate2. Needs torch."""

import struct
import sys
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 6
"Of CTranslate2's files."
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
HEADS = 6
"Of tiny: nothing in the weights tells."
Weights = Mapping[str, np.ndarray]


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """The arrays in a `model.bin`, by name."""
    stream = BytesIO(path.read_bytes())

    def numbers(form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))

    def text() -> str:
        return stream.read(numbers("H")[0])[:-1].decode()

    (version,), spec, _ = numbers("I"), text(), numbers("I")
    assert (version, spec) == (VERSION, "WhisperSpec"), "CTranslate2 has another form of files now"
    found: dict[str, np.ndarray] = {}
    for _ in range(numbers("I")[0]):
        name = text()
        shape = numbers("I" * numbers("B")[0])
        kind, size = numbers("BI")
        found[name] = np.frombuffer(stream.read(size), TYPES[kind]).reshape(shape)
    return found


def state_of(weights: Weights) -> dict[str, np.ndarray]:
    """The arrays under the names that openai-whisper has for them."""
    state = {
        "encoder.positional_embedding": weights["encoder/position_encodings/encodings"],
        "decoder.positional_embedding": weights["decoder/position_encodings/encodings"],
        "decoder.token_embedding.weight": weights["decoder/embeddings/weight"],
    }
    for conv in ("conv1", "conv2"):
        state |= {f"encoder.{conv}.{part}": weights[f"encoder/{conv}/{part}"] for part in ("weight", "bias")}
    state |= dict(_norm(weights, "encoder/layer_norm", "encoder.ln_post"))
    state |= dict(_norm(weights, "decoder/layer_norm", "decoder.ln"))
    for side in ("encoder", "decoder"):
        for number in range(layers(weights, side)):
            state |= dict(_block(weights, f"{side}/layer_{number}", f"{side}.blocks.{number}"))
    return state


def layers(weights: Weights, side: str) -> int:
    return len({name.split("/")[1] for name in weights if name.startswith(f"{side}/layer_") and name.count("/") > 2})


def _block(weights: Weights, theirs: str, ours: str) -> Iterator[tuple[str, np.ndarray]]:
    yield from _norm(weights, f"{theirs}/self_attention/layer_norm", f"{ours}.attn_ln")
    yield from _attention(weights, f"{theirs}/self_attention", f"{ours}.attn", ["linear_0"], "linear_1")
    if f"{theirs}/attention/linear_0/weight" in weights:
        yield from _norm(weights, f"{theirs}/attention/layer_norm", f"{ours}.cross_attn_ln")
        yield from _attention(
            weights, f"{theirs}/attention", f"{ours}.cross_attn", ["linear_0", "linear_1"], "linear_2"
        )
    yield from _norm(weights, f"{theirs}/ffn/layer_norm", f"{ours}.mlp_ln")
    for number, place in ((0, 0), (1, 2)):
        for part in ("weight", "bias"):
            yield f"{ours}.mlp.{place}.{part}", weights[f"{theirs}/ffn/linear_{number}/{part}"]


def _attention(
    weights: Weights, theirs: str, ours: str, joined: list[str], out: str
) -> Iterator[tuple[str, np.ndarray]]:
    """Queries, keys and values lie behind each other; keys have no bias, which is zeros here."""
    for part in ("weight", "bias"):
        together = np.concatenate([weights[f"{theirs}/{name}/{part}"] for name in joined])
        for name, value in zip(("query", "key", "value"), np.split(together, 3), strict=True):
            if (name, part) != ("key", "bias"):
                yield f"{ours}.{name}.{part}", value
        yield f"{ours}.out.{part}", weights[f"{theirs}/{out}/{part}"]


def _norm(weights: Weights, theirs: str, ours: str) -> Iterator[tuple[str, np.ndarray]]:
    yield f"{ours}.weight", weights[f"{theirs}/gamma"]
    yield f"{ours}.bias", weights[f"{theirs}/beta"]


def dims_of(weights: Weights) -> dict[str, int]:
    vocabulary, width = weights["decoder/embeddings/weight"].shape
    return {
        "n_mels": weights["encoder/conv1/weight"].shape[1],
        "n_audio_ctx": len(weights["encoder/position_encodings/encodings"]),
        "n_audio_state": width,
        "n_audio_head": HEADS,
        "n_audio_layer": layers(weights, "encoder"),
        "n_vocab": vocabulary,
        "n_text_ctx": len(weights["decoder/position_encodings/encodings"]),
        "n_text_state": width,
        "n_text_head": HEADS,
        "n_text_layer": layers(weights, "decoder"),
    }


def make_checkpoint(model: Path, out: Path) -> None:
    """Writes the checkpoint of the model in a folder of CTranslate2."""
    import torch

    weights = weights_of(model / "model.bin")
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in state_of(weights).items()}
    torch.save({"dims": dims_of(weights), "model_state_dict": state}, out)


if __name__ == "__main__":
    make_checkpoint(Path(sys.argv[1]), Path(sys.argv[2]))
