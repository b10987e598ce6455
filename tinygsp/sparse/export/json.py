"""JSON: the model file as text, every number exactly as it is there, for a reader in any language."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tinygsp.sparse.network import SparseNetwork

FORMAT = "tinygsp network, version 1"
HOW = [
    "",
    "How to use it: x = (value / divisor - mean) / std for each input; mean and std are numbers, or lists with one for",
    "each input; where std is 0, x is 0, and inputs in `bent` become asinh(x). Then, layer by layer, each output j is",
    "bias[j] + the sum of weight[e] * x[row[e]] over all e with col[e] = j, and after every layer but the last",
    "x becomes activation(x): silu is x / (1 + exp(-x)), relu is max(x, 0).",
]


def write(network: SparseNetwork, comment: Sequence[str]) -> str:
    """The file, as text: format, comment, the fields of Meta, and for each layer shape, row, col, weight and bias."""
    meta = {name: plain(value) for name, value in vars(network.meta).items()}
    head = json.dumps({"format": FORMAT, "comment": [*comment, *HOW], **meta}, indent=1)
    layers = []
    for layer in network.layers:
        parts = {"shape": list(layer.shape), "row": layer.row.tolist(), "col": layer.col.tolist()}
        parts |= {"weight": shortest(layer.weight), "bias": shortest(layer.bias)}
        layers.append(
            "  {\n" + ",\n".join(f'   "{name}": {json.dumps(part)}' for name, part in parts.items()) + "\n  }"
        )
    text = head.removesuffix("\n}") + ',\n "layers": [\n' + ",\n".join(layers) + "\n ]\n}\n"
    return text.replace("<", "\\u003c")  # JSON has it in texts only; so no text ends the script it may stand in


def plain(value: Any) -> Any:
    """A field of Meta in types that JSON has."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def shortest(values: np.ndarray) -> list[float]:
    """float32 numbers as the shortest decimals that give them back."""
    return [float(str(value)) for value in values.astype(np.float32)]
