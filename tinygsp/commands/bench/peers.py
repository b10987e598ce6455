"""Build the comparisons with libraries that need not be installed: PyTorch, SciPy and ONNX Runtime.

Each function returns {name: function to time}. It imports its library itself, so that a library that is missing, or
does not work here, raises an error that `collect` turns into a reason for the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygsp.commands.bench.timing import batches
from tinygsp.data import Dataset

Functions = dict[str, Callable]


def collect(builders: dict[str, Callable[[], Functions]]) -> tuple[Functions, dict[str, str]]:
    """Call the builders of {library: builder}. Returns (functions, missing): missing is {library: reason}."""
    functions, missing = {}, {}
    for library, build in builders.items():
        try:
            functions |= build()
        except ImportError as error:
            missing[library] = str(error)
        except Exception as error:  # torch.compile fails in many ways where there is no C++ compiler
            reason = str(error).splitlines()
            missing[library] = f"{type(error).__name__}: {reason[0]}" if reason else type(error).__name__
    return functions, missing


# --- training steps in PyTorch ------------------------------------------------------------------------------


def torch_steps(dataset: Dataset, hidden: tuple[int, ...]) -> Functions:
    """Write the training step in PyTorch, in two versions. Closed gates do not make it faster: it is timed dense.

    published recipe : two logits a gate, F.gumbel_softmax at tau 3, a fresh sample for the penalty, Adam
    one logit        : logistic noise, straight through, the penalty's gradient from sigmoid(gate), fused SGD
    """
    import torch

    torch.set_num_threads(1)
    sizes = [dataset.n_in, *hidden, dataset.n_out]
    return {
        "PyTorch, published recipe": torch_step(dataset, *published_recipe(sizes)),
        "PyTorch, one logit": torch_step(dataset, *one_logit(sizes)),
    }


def compiled_step(dataset: Dataset, hidden: tuple[int, ...]) -> Functions:
    """Write the version "one logit" with its forward and backward through torch.compile; a first step compiles it."""
    import torch

    torch.set_num_threads(1)
    loss, optimizer = one_logit([dataset.n_in, *hidden, dataset.n_out])
    step = torch_step(dataset, torch.compile(loss), optimizer)
    step()
    return {"PyTorch, one logit, compiled": step}


def torch_step(dataset: Dataset, loss_of: Callable, optimizer: Any) -> Callable:
    """Return a function that takes a training step on the next batch; loss_of(x, target) is a tensor."""
    import torch

    x_all, y_all = torch.from_numpy(dataset.train_x), torch.from_numpy(dataset.train_y)
    samples = batches(dataset)

    def run():
        chosen = torch.from_numpy(next(samples))
        x = (x_all[chosen].float() / dataset.divisor - dataset.mean) / dataset.std
        optimizer.zero_grad()
        loss_of(x, y_all[chosen]).backward()
        optimizer.step()

    return run


def torch_weights(sizes: list[int]) -> Iterator:
    """Yield the first weights of each layer, (n_out, n_in)."""
    import torch

    for n_in, n_out in zip(sizes, sizes[1:]):
        yield torch.randn(n_out, n_in) * (2 / n_in) ** 0.5


def published_recipe(sizes: list[int]) -> tuple:
    """Return (loss, optimizer) of the recipe that was published with the method."""
    import torch
    from torch.nn import functional as F

    W = [w.requires_grad_() for w in torch_weights(sizes)]
    b = [torch.zeros(size, requires_grad=True) for size in sizes[1:]]
    logits = [torch.zeros(*w.shape, 2, requires_grad=True) for w in W]

    def loss(x, target):
        for k, (w, logit, bias) in enumerate(zip(W, logits, b)):
            x = F.linear(x, w * F.gumbel_softmax(logit, tau=3, hard=True)[..., 0], bias)
            x = F.silu(x) if k < len(W) - 1 else x
        expected = sum(F.gumbel_softmax(logit, tau=1, hard=True)[..., 0].sum() for logit in logits)
        return F.cross_entropy(x, target) + 1e-6 * expected

    return loss, torch.optim.Adam([*W, *logits, *b], lr=1e-6)


def one_logit(sizes: list[int]) -> tuple:
    """Return (loss, optimizer) of the step that tinygsp takes, written in PyTorch."""
    import torch
    from torch.nn import functional as F

    W = [torch.cat([w, torch.zeros(w.shape[0], 1)], 1).requires_grad_() for w in torch_weights(sizes)]
    gate = [torch.ones_like(w).requires_grad_() for w in W]

    def loss(x, target):
        price = 0
        for k, (w, g) in enumerate(zip(W, gate)):
            z = g + 0.5 * torch.logit(torch.rand_like(g), 1e-7)
            soft = torch.sigmoid(z)
            Wm = w * ((z > 0).float() + soft - soft.detach())
            x = F.linear(x, Wm[:, :-1], Wm[:, -1])  # the last column is the gated bias
            x = F.silu(x) if k < len(W) - 1 else x
            price = price + torch.sigmoid(g).sum()
        return F.cross_entropy(x, target) + 1e-6 * price

    return loss, torch.optim.SGD([*W, *gate], lr=1e-6, momentum=0.9, fused=True)


# --- inference ----------------------------------------------------------------------------------------------


def scipy_inference(x: np.ndarray, used: np.ndarray, layers: list[tuple], scale: float, shift: float) -> Functions:
    """Classify with the pruned network as sparse matrices of SciPy.

    x      : (n, n_in) uint8      the images
    used   : (k,) int             the pixels that the network reads
    layers : list of (W, b)       of each layer the weights (inputs used, outputs used) and biases, float32
    """
    import scipy.sparse

    matrices = [(scipy.sparse.csr_array(W.T.copy()), b[:, None]) for W, b in layers]

    def classify(y):
        for k, (W, b) in enumerate(matrices):
            y = W @ y + b
            y = silu(y) if k < len(matrices) - 1 else y
        return y.argmax(axis=0)

    def prepare():
        return np.ascontiguousarray((x[:, used] * scale + shift).T)

    prepared = prepare()
    return {
        "pruned, SciPy CSR": lambda: classify(prepare()),
        "pruned, SciPy CSR, images already scaled and transposed": lambda: classify(prepared),
    }


def torch_inference(x: np.ndarray, dense: list[np.ndarray], scale: float, shift: float) -> Functions:
    """Classify with the dense network in PyTorch; dense[k] is (n_in + 1, n_out), the last row the bias."""
    import torch

    torch.set_num_threads(1)
    layers = [(torch.from_numpy(W[:-1].T.copy()), torch.from_numpy(W[-1].copy())) for W in dense]

    def classify(block):
        with torch.inference_mode():
            y = torch.from_numpy(block).float() * float(scale) + float(shift)
            for k, (W, b) in enumerate(layers):
                y = torch.nn.functional.linear(y, W, b)
                y = torch.nn.functional.silu(y) if k < len(layers) - 1 else y
            return y.argmax(1)

    return {"dense, PyTorch": by_blocks(classify, x)}


def onnx_inference(x: np.ndarray, dense: list[np.ndarray], scale: float, shift: float) -> Functions:
    """Classify with the dense network in ONNX Runtime; dense[k] is (n_in + 1, n_out), the last row the bias."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = onnx_model(dense, scale, shift)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return {"dense, ONNX Runtime": by_blocks(lambda block: session.run(None, {"x": block}), x)}


def onnx_model(dense: list[np.ndarray], scale: float, shift: float) -> bytes:
    """Return the dense network as the bytes of an ONNX file: pixels (n, n_in) uint8 -> classes (n,) int64."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    node, last = helper.make_node, len(dense) - 1
    weights = {"scale": scale, "shift": shift} | {f"W{k}": W[:-1] for k, W in enumerate(dense)}
    weights |= {f"b{k}": W[-1] for k, W in enumerate(dense)}
    nodes = [
        node("Cast", ["x"], ["float"], to=TensorProto.FLOAT),
        node("Mul", ["float", "scale"], ["scaled"]),
        node("Add", ["scaled", "shift"], ["y"]),
    ]
    for k in range(len(dense)):
        nodes.append(node("Gemm", [f"y{k - 1}" if k else "y", f"W{k}", f"b{k}"], [f"z{k}"]))
        if k < last:
            nodes += [node("Sigmoid", [f"z{k}"], [f"s{k}"]), node("Mul", [f"z{k}", f"s{k}"], [f"y{k}"])]
    nodes.append(node("ArgMax", [f"z{last}"], ["best"], axis=1, keepdims=0))
    pixels = helper.make_tensor_value_info("x", TensorProto.UINT8, [None, len(dense[0]) - 1])
    classes = helper.make_tensor_value_info("best", TensorProto.INT64, [None])
    initial = [numpy_helper.from_array(np.ascontiguousarray(W), name) for name, W in weights.items()]
    graph = helper.make_graph(nodes, "dense", [pixels], [classes], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def by_blocks(classify: Callable, x: np.ndarray, size: int = 1000) -> Callable:
    """Return a function that classifies all of x, (n, n_in), in blocks that fit the caches."""
    return lambda: [classify(x[first : first + size]) for first in range(0, len(x), size)]


def silu(y: np.ndarray) -> np.ndarray:
    """Compute y * sigmoid(y) as one quotient."""
    return y / (1 + np.exp(-y))
