"""python -m tinygsp.bench: how fast the pieces are, each beside a peer or a floor.

Every comparison is made in one process, its members in turn, and told as medians, because machines are shared and
noisy. Nothing here is a test: a figure depends on the machine, so the report names it. PyTorch, ONNX Runtime and
SciPy are compared with where they are installed; the report says what it could not compare. Lesson 09 tells why
the pieces are as fast as they are.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

DONE, FAILED, USAGE, DATA, INTERRUPTED = 0, 1, 2, 3, 130
EPILOG = """the tables go to stdout, progress to stderr; OUT gains bench.json and bench.png.
exit codes: 0 done, 1 failed, 2 usage, 3 data missing or damaged, 130 interrupted."""
BATCH = 256
HIDDEN = (300, 100)
WIDER = ((1000, 300), (3000, 1000))
# live connections: those of each layer; pixels and units that are alive; share of the live gates that are open.
# Taken from the default MNIST run with seed 0, at the epochs where it passes these counts.
STATES = {
    20_000: ((15_800, 3_720, 480), (530, 240, 95), 0.03),
    5_000: ((4_300, 540, 160), (450, 100, 55), 0.10),
    1_000: ((860, 90, 50), (350, 45, 31), 0.40),
    400: ((271, 70, 59), (208, 36, 28), 1.00),
}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(USAGE, f"error: {message}\n")


def parse_arguments(argv):
    parser = Parser(
        prog="python -m tinygsp.bench", description="Measure kernels, training steps and inference, side by side.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", type=Path, help="a finished run: its network is timed, and its mean step compared")
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder to write to (default: bench)")
    parser.add_argument("--quick", action="store_true", help="few repeats and no wider networks: a look, not a figure")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(argv)


def main(argv=None):
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = "1"
    from tinygsp import data, runs
    from tinygsp.files import write_atomic
    from tinygsp.sparse import ModelFileError

    try:
        results = measure_all(args)
        args.out.mkdir(parents=True, exist_ok=True)
        runs.write_json(args.out / "bench.json", results)
        from tinygsp import plots

        write_atomic(args.out / "bench.png", picture(results, plots))
        print(report(results))
        print(f"\nfigure and numbers: {args.out}")
        return DONE
    except (data.DataError, ModelFileError, runs.RunError) as error:
        return fail(error, DATA)
    except OSError as error:
        return fail(f"{error.filename or args.out}: {error.strerror or error}", FAILED)
    except KeyboardInterrupt:
        return fail("interrupted; nothing was written", INTERRUPTED)


def fail(message, code):
    print(f"error: {message}", file=sys.stderr)
    return code


def measure_all(args):
    """Every section: {name: its rows}. `missing` tells what could not be compared, and why."""
    from tinygsp import data, runs
    from tinygsp.sparse import SparseNetwork

    summary = None
    if args.run:
        network = SparseNetwork.load(args.run / "model.npz")
        try:
            summary = json.loads((args.run / "summary.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise runs.RunError(f"{args.run}/summary.json: cannot be read ({error}); name a finished run") from error
    dataset = data.load("mnist", 0)
    repeats = 3 if args.quick else 41
    missing = {}

    def say(text):
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    say("kernels and their NumPy twins ...")
    results = {"machine": runs.environment(1), "batch": BATCH, "kernels": kernels_and_twins(repeats)}
    say("training steps ...")
    results["steps"] = steps(dataset, HIDDEN, repeats, missing)
    results["switch"] = switch(repeats)
    say("inference ...")
    if not args.run:
        network = shrunk(dataset, HIDDEN, 400).to_network(0).trim()
    results["inference"] = inference(network, dataset, max(3, repeats // 4), missing)
    if not args.quick:
        results["growth"] = {"300-100": results["steps"]}
        for hidden in WIDER:
            say(f"training steps of 784-{hidden[0]}-{hidden[1]}-10 ...")
            results["growth"]["-".join(map(str, hidden))] = steps(dataset, hidden, 3, missing)
    if summary:
        results["run"] = {name: summary[name] for name in ("kept", "steps", "seconds")}
    results["missing"] = missing
    return results


def in_turn(functions, repeats, calls=3):
    """Median seconds of each function of {name: function}, in turn, so that all meet the same weather.

    At its turn a function runs once to find its code and data in the caches again, then `calls` times by the clock.
    """
    times = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            function()
            for _ in range(calls):
                start = time.perf_counter()
                function()
                times[name].append(time.perf_counter() - start)
    return {name: sorted(t)[len(t) // 2] for name, t in times.items()}


# --- kernels ------------------------------------------------------------------------------------------------


def kernels_and_twins(repeats):
    """ns an element of each kernel and of its NumPy twin, on the first layer of the MNIST network."""
    import numpy as np

    from tinygsp import baselines, gates, kernels, losses

    f32 = np.float32
    rng = np.random.default_rng(0)
    k = 785 * 300
    W, gate, g, velocity = (rng.normal(0, 1, k).astype(f32) for _ in range(4))
    Wm, mask, slope, dgate = (np.zeros(k, f32) for _ in range(4))
    index, keys = np.arange(k, dtype=np.uint32), gates.noise_keys(1, 2, 3)
    x = rng.normal(0, 1, (300, BATCH)).astype(f32)
    y, dx = np.empty_like(x), np.empty_like(x)
    pixels = rng.integers(0, 255, (784, BATCH), dtype=np.uint8)
    scaled = np.empty(pixels.shape, f32)
    images = np.ascontiguousarray(pixels.T)
    order, moved = np.arange(BATCH), np.empty_like(images)
    places = (np.arange(784) + np.arange(-4, 5)[:, None]).astype(np.int32) % 784
    logits, labels = rng.normal(0, 1, (10, BATCH)).astype(f32), rng.integers(0, 10, BATCH)
    dlogits = np.empty_like(logits)

    live = 5_000  # connections from 450 pixels to 100 units, a tenth of them open
    rows = rng.integers(0, 450, live).astype(np.int32)
    col = np.sort(rng.integers(0, 100, live))
    starts = np.searchsorted(col, np.arange(101))
    w = np.where(rng.random(live) < 0.1, rng.normal(0, 1, live), 0).astype(f32)
    n_open = np.count_nonzero(w)
    dense = np.zeros((450, 100), f32)
    np.add.at(dense, (rows, col), w)
    xe, ye = rng.normal(0, 1, (450, BATCH)).astype(f32), rng.normal(0, 1, (100, BATCH)).astype(f32)
    into, dxe, dwe = np.empty_like(ye), np.empty_like(xe), np.empty(live, f32)

    def sample_twin():
        u = gates.hash_uniform(index, *keys)
        open_, soft = gates.binary_gate(gate, gates.logistic_noise(u), 1.0)
        return open_ * W, gates.binary_gate_backward(f32(1), soft, 1.0)

    def hard_concrete_twin():
        u = gates.hash_uniform(index, *keys)
        open_, moving = baselines.hard_concrete(gate, gates.logistic_noise(u), 2 / 3)
        return open_ * W, moving

    def gate_grads_twin():
        return g * W * slope, g * mask

    def sgd_twin():
        np.multiply(velocity, f32(0.9), out=velocity)
        np.add(velocity, g, out=velocity)
        np.subtract(W, f32(0) * velocity, out=W)

    def silu_twin():
        s = gates.sigmoid(x)
        return x * s, s * (1 + x * (1 - s))

    one, zero = f32(1), f32(0)
    stretch = f32(1.5), f32(2.4), f32(-0.1), f32(1.1)
    pairs = {  # name: (elements, kernel, twin)
        "sample_gates": (
            k, lambda: kernels.sample_gates(W, gate, index, *keys, one, one, Wm, mask, slope), sample_twin,
        ),
        "sample_hard_concrete": (
            k, lambda: kernels.sample_hard_concrete(W, gate, index, *keys, one, *stretch, Wm, mask, slope),
            hard_concrete_twin,
        ),
        "sample_variational": (
            k, lambda: kernels.sample_variational(W, gate, f32(3), Wm, mask, slope),
            lambda: baselines.variational(W, gate, 3.0),
        ),
        "variational_grads": (
            k, lambda: kernels.variational_grads(W, gate, slope, zero, Wm, dgate),
            lambda: baselines.variational_grads(W, gate, dgate, 0.0),
        ),
        "gate_grads": (k, lambda: kernels.gate_grads(g, W, mask, slope, dgate), gate_grads_twin),
        "add_price": (k, lambda: kernels.add_price(gate, zero, dgate), lambda: dgate + gates.price_grad(gate, zero)),
        "sgd_update": (k, lambda: kernels.sgd_update(W, velocity, g, zero, f32(0.9)), sgd_twin),
        "silu": (x.size, lambda: kernels.silu(x.ravel(), y.ravel(), dx.ravel()), silu_twin),
        "softmax_cross_entropy": (
            logits.size, lambda: kernels.softmax_cross_entropy(logits, labels, dlogits),
            lambda: losses.softmax_cross_entropy(logits.T.astype(np.float64), labels),
        ),
        "standardize": (
            pixels.size, lambda: kernels.standardize(pixels, f32(0.01), f32(-0.4), scaled),
            lambda: pixels * f32(0.01) + f32(-0.4),
        ),
        "gather_shifted": (
            images.size, lambda: kernels.gather_shifted(images, order, places, *keys, moved),
            lambda: images[order[:, None], places[np.floor(9 * gates.hash_uniform(order, *keys)).astype(int)]],
        ),
        "edges_forward": (
            n_open * BATCH, lambda: kernels.edges_forward(xe, w, rows, starts, into), lambda: dense.T @ xe,
        ),
        "edges_backward": (
            n_open * BATCH, lambda: kernels.edges_backward(ye, w, rows, starts, dxe), lambda: dense @ ye,
        ),
        "edges_grads": (live * BATCH, lambda: kernels.edges_grads(xe, ye, rows, starts, dwe), lambda: xe @ ye.T),
    }  # fmt: skip
    table = []
    for name, (elements, kernel, twin) in pairs.items():
        seconds = in_turn({"kernel": kernel, "numpy": twin}, repeats)
        table.append({"name": name, "elements": int(elements), **{n: 1e9 * s / elements for n, s in seconds.items()}})
    return table


# --- training steps -----------------------------------------------------------------------------------------


def steps(dataset, hidden, repeats, missing):
    """Milliseconds of one training step: dense, at each count of live connections, its products alone, PyTorch's."""
    functions = {"products": products(dataset, hidden), "dense": stepper(shrunk(dataset, hidden))}
    functions |= {f"{live:,} live": stepper(shrunk(dataset, hidden, live)) for live in STATES}
    functions |= torch_steps(dataset, hidden, missing)
    return {name: 1e3 * seconds for name, seconds in in_turn(functions, repeats).items()}


def switch(repeats, n_in=300, n_out=200, open_share=0.3):
    """Milliseconds of one layer as dense matrix and as list, by the share of connections that are live.

    Where the two meet is where `prune.Settings.edges_below` should be; a layer counts its noise, forward, backward
    and penalty. Of the live gates, `open_share` are open.
    """
    import numpy as np

    from tinygsp.layers import MaskedDense, MaskedEdges, feature_major

    rng, table = np.random.default_rng(0), []
    x, dy = (feature_major(BATCH, size, np.float32) for size in (n_in, n_out))
    x[:], dy[:] = rng.normal(0, 1, x.shape), rng.normal(0, 1, dy.shape)

    def step(layer):
        def run():
            layer.sample(1, 0.5)
            layer.forward(x)
            layer.backward(dy)
            layer.penalty(0.0)

        return run

    for share in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7):
        W = rng.normal(0, 1, (n_in + 1, n_out)).astype(np.float32)
        gate = np.where(rng.random(W.shape) < open_share, 8, -8).astype(np.float32)
        live = rng.random(W.shape) < share
        gate[~live] = -np.inf
        col, row = np.nonzero(live.T)
        index = (row * n_out + col).astype(np.uint32)
        inputs, outputs = np.arange(n_in), np.arange(n_out)
        dense = MaskedDense(W.copy(), gate.copy(), needs_dx=False)
        edges = MaskedEdges(W[row, col], gate[row, col], index, W.shape, inputs, outputs, needs_dx=False)
        seconds = in_turn({"dense": step(dense), "list": step(edges)}, repeats)
        table.append({"live": share, **{name: 1e3 * s for name, s in seconds.items()}})
    return table


def shrunk(dataset, hidden, live=None):
    """A Pruner in its search with every gate live, or with `live` connections left as in STATES."""
    import numpy as np

    from tinygsp.prune import Pruner, Settings

    # nothing learns, so each step is alike; images stay where they are, as in PyTorch's steps
    settings = Settings(hidden=hidden, lr=0.0, gate_lr=0.0, dense_epochs=0, shift=0)
    pruner = Pruner(dataset, settings)
    pruner.start("search", 0)
    if live is None:
        return pruner
    rng = np.random.default_rng(live)
    counts, alive, share = STATES[live]
    units = [rng.choice(size, some, replace=False) for size, some in zip(pruner.sizes, alive)] + [np.arange(10)]
    for layer, count, rows, cols in zip(pruner.model.masked, counts, units, units[1:]):
        turn = np.arange(max(len(rows), len(cols)))
        cells = np.unique(np.stack([turn % len(rows), turn % len(cols)]), axis=1)  # every unit is connected
        more = rng.choice(len(rows) * len(cols), count, replace=False)
        cells = np.concatenate([cells, np.divmod(more, len(cols))], axis=1)[:, :count]
        gate = layer.params["gate"]
        gate[:] = -np.inf
        gate[rows[cells[0]], cols[cells[1]]] = np.where(rng.random(count) < share, 8, -2)
    pruner.retire()
    return pruner


def batches(dataset, count=64):
    """An endless round of batches, as the training loop draws them."""
    import itertools

    import numpy as np

    rng = np.random.default_rng(0)
    return itertools.cycle([np.sort(rng.permutation(len(dataset.train_x))[:BATCH]) for _ in range(count)])


def stepper(pruner):
    samples = batches(pruner.dataset)
    return lambda: pruner.train_step("search", 0.3, next(samples))


def products(dataset, hidden):
    """The matrix products of a dense step and nothing else: forward, dW, and dx of all layers but the first."""
    import numpy as np

    rng = np.random.default_rng(0)
    sizes = [dataset.n_in, *hidden, dataset.n_out]
    xs = [rng.normal(0, 1, (size, BATCH)).astype(np.float32).T for size in sizes]
    layers = []
    for k, (x, y) in enumerate(zip(xs, xs[1:])):
        W = rng.normal(0, 1, (x.shape[1], y.shape[1])).astype(np.float32)
        layers.append((x, W, y, np.empty_like(W), np.empty_like(x.T).T if k else None))

    def run():
        for x, W, y, _, _ in layers:
            np.matmul(x, W, out=y)
        for x, W, y, dW, dx in layers:
            np.matmul(x.T, y, out=dW)
            if dx is not None:
                np.matmul(y, W.T, out=dx)

    return run


def torch_steps(dataset, hidden, missing):
    """The same step in PyTorch: {name: function}. Its cost does not fall when gates close, so it is measured dense.

    published recipe : two logits a gate, F.gumbel_softmax at tau 3, a fresh sample for the penalty, Adam
    one logit        : logistic noise, straight through, the penalty's gradient from sigmoid(gate), fused SGD
    compiled         : one logit, its forward and backward through torch.compile
    """
    try:
        import torch
        from torch.nn import functional as F
    except ImportError as error:
        missing["PyTorch"] = str(error)
        return {}
    torch.set_num_threads(1)
    sizes = [dataset.n_in, *hidden, dataset.n_out]
    x_all, y_all = torch.from_numpy(dataset.train_x), torch.from_numpy(dataset.train_y)

    def weights():
        return [(torch.randn(b, a) * (2 / a) ** 0.5).requires_grad_() for a, b in zip(sizes, sizes[1:])]

    def step(loss_of, optimizer):
        samples = batches(dataset)

        def run():
            chosen = torch.from_numpy(next(samples))
            x = (x_all[chosen].float() / dataset.divisor - dataset.mean) / dataset.std
            optimizer.zero_grad()
            loss_of(x, y_all[chosen]).backward()
            optimizer.step()

        return run

    W, b = weights(), [torch.zeros(size, requires_grad=True) for size in sizes[1:]]
    logits = [torch.zeros(*w.shape, 2, requires_grad=True) for w in W]

    def published(x, target):
        for k, (w, logit, bias) in enumerate(zip(W, logits, b)):
            x = F.linear(x, w * F.gumbel_softmax(logit, tau=3, hard=True)[..., 0], bias)
            x = F.silu(x) if k < len(W) - 1 else x
        expected = sum(F.gumbel_softmax(logit, tau=1, hard=True)[..., 0].sum() for logit in logits)
        return F.cross_entropy(x, target) + 1e-6 * expected

    def one_logit_loss(W, gate):
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

        return loss

    def gated():
        W = [torch.cat([w.detach(), torch.zeros(w.shape[0], 1)], 1).requires_grad_() for w in weights()]
        gate = [torch.ones_like(w).requires_grad_() for w in W]
        return one_logit_loss(W, gate), torch.optim.SGD([*W, *gate], lr=1e-6, momentum=0.9, fused=True)

    functions = {"PyTorch, published recipe": step(published, torch.optim.Adam([*W, *logits, *b], lr=1e-6))}
    functions["PyTorch, one logit"] = step(*gated())
    try:
        loss, optimizer = gated()
        functions["PyTorch, one logit, compiled"] = step(torch.compile(loss), optimizer)
        functions["PyTorch, one logit, compiled"]()
    except Exception as error:  # needs a C++ compiler, and fails in many ways without
        functions.pop("PyTorch, one logit, compiled", None)
        missing["torch.compile"] = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else "failed"
    return functions


# --- inference ----------------------------------------------------------------------------------------------


def inference(network, dataset, repeats, missing):
    """Images a second from the uint8 pixels of the test set to classes; the last rows start further on."""
    import numpy as np

    x = np.ascontiguousarray(dataset.test_x)
    m = network.meta
    dense = [layer.params["W"] for layer in shrunk(dataset, HIDDEN).model.masked]
    used = network.used_inputs()
    read = [*used, np.arange(network.layers[-1].n_out)]
    small = [layer.dense()[np.ix_(rows, cols)] for layer, rows, cols in zip(network.layers, read, read[1:])]
    biases = [layer.bias[cols] for layer, cols in zip(network.layers, read[1:])]
    scale, shift = np.float32(1 / (m.divisor * m.std)), np.float32(-m.mean / m.std)

    def silu(y):
        return y / (1 + np.exp(-y))

    def by_blocks(classify, size=1000):
        return lambda: [classify(x[first : first + size]) for first in range(0, len(x), size)]

    def numpy_dense(block):
        y = block * scale + shift
        for k, W in enumerate(dense):
            y = y @ W[:-1] + W[-1]
            y = silu(y) if k < len(dense) - 1 else y
        return y.argmax(axis=1)

    def numpy_live(block):
        y = block[:, used[0]] * scale + shift
        for k, (W, b) in enumerate(zip(small, biases)):
            y = y @ W + b
            y = silu(y) if k < len(small) - 1 else y
        return y.argmax(axis=1)

    one, scores, run = x[:1], np.empty((1, network.layers[-1].n_out), np.float32), network.runner(block=1)
    functions = {
        "pruned, tinygsp": lambda: network.predict(x),
        "pruned, NumPy on live rows and columns": by_blocks(numpy_live),
        "dense, NumPy": by_blocks(numpy_dense),
        "copying the same bytes": x.copy,
    }
    functions |= scipy_inference(x, used, small, biases, scale, shift, silu, missing)
    functions |= torch_inference(x, dense, scale, shift, by_blocks, missing)
    functions |= onnx_inference(x, dense, scale, shift, by_blocks, missing)
    table = {name: len(x) / seconds for name, seconds in in_turn(functions, repeats).items()}
    latency = in_turn({"one": lambda: run(one, scores)}, 1000)["one"]
    return {"kept": network.count(), "images a second": table, "one image, microseconds": 1e6 * latency}


def scipy_inference(x, used, small, biases, scale, shift, silu, missing):
    try:
        import scipy.sparse
    except ImportError as error:
        missing["SciPy"] = str(error)
        return {}
    import numpy as np

    layers = [(scipy.sparse.csr_array(W.T.copy()), b[:, None]) for W, b in zip(small, biases)]

    def classify(y):
        for k, (W, b) in enumerate(layers):
            y = W @ y + b
            y = silu(y) if k < len(layers) - 1 else y
        return y.argmax(axis=0)

    def prepare():
        return np.ascontiguousarray((x[:, used[0]] * scale + shift).T)

    prepared = prepare()
    return {
        "pruned, SciPy CSR": lambda: classify(prepare()),
        "pruned, SciPy CSR, images already scaled and transposed": lambda: classify(prepared),
    }


def torch_inference(x, dense, scale, shift, by_blocks, missing):
    try:
        import torch
    except ImportError as error:
        missing["PyTorch"] = str(error)
        return {}
    torch.set_num_threads(1)
    layers = [(torch.from_numpy(W[:-1].T.copy()), torch.from_numpy(W[-1].copy())) for W in dense]

    def classify(block):
        with torch.inference_mode():
            y = torch.from_numpy(block).float() * float(scale) + float(shift)
            for k, (W, b) in enumerate(layers):
                y = torch.nn.functional.linear(y, W, b)
                y = torch.nn.functional.silu(y) if k < len(layers) - 1 else y
            return y.argmax(1)

    return {"dense, PyTorch": by_blocks(classify)}


def onnx_inference(x, dense, scale, shift, by_blocks, missing):
    try:
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        missing["ONNX Runtime"] = str(error)
        return {}
    import numpy as np

    node = helper.make_node
    weights = {"scale": scale, "shift": shift} | {f"W{k}": W[:-1] for k, W in enumerate(dense)}
    weights |= {f"b{k}": W[-1] for k, W in enumerate(dense)}
    nodes = [node("Cast", ["x"], ["float"], to=TensorProto.FLOAT), node("Mul", ["float", "scale"], ["scaled"])]
    nodes.append(node("Add", ["scaled", "shift"], ["y"]))
    for k in range(len(dense)):
        nodes.append(node("Gemm", [f"y{k - 1}" if k else "y", f"W{k}", f"b{k}"], [f"z{k}"]))
        if k < len(dense) - 1:
            nodes += [node("Sigmoid", [f"z{k}"], [f"s{k}"]), node("Mul", [f"z{k}", f"s{k}"], [f"y{k}"])]
    last = f"z{len(dense) - 1}"
    nodes.append(node("ArgMax", [last], ["best"], axis=1, keepdims=0))
    graph = helper.make_graph(
        nodes, "dense", [helper.make_tensor_value_info("x", TensorProto.UINT8, [None, x.shape[1]])],
        [helper.make_tensor_value_info("best", TensorProto.INT64, [None])],
        [numpy_helper.from_array(np.ascontiguousarray(W), name) for name, W in weights.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return {"dense, ONNX Runtime": by_blocks(lambda block: session.run(None, {"x": block}))}


# --- the report ---------------------------------------------------------------------------------------------


def report(results):
    """The tables, for people."""
    m, steps, images = results["machine"], results["steps"], results["inference"]["images a second"]
    versions = f"Python {m['python']}, NumPy {m['numpy']} ({m['blas']}), numba {m['numba']}"
    lines = [f"{m['cpu']}, {m['cores']} cores, one thread; {versions}; medians", ""]

    lines.append(f"{'kernel':<24}{'ns/element':>12}{'NumPy twin':>12}{'ratio':>8}")
    for row in results["kernels"]:
        ratio = row["numpy"] / row["kernel"]
        lines.append(f"{row['name']:<24}{row['kernel']:>12.3f}{row['numpy']:>12.3f}{ratio:>8.1f}")

    floor = steps["products"]
    lines += ["", f"{'training step, batch ' + str(results['batch']):<32}{'ms':>10}{'x products':>12}"]
    lines += [f"{name:<32}{ms:>10.3f}{ms / floor:>12.3f}" for name, ms in steps.items()]
    if run := results.get("run"):
        mean = 1e3 * run["seconds"] / run["steps"]
        lines.append(f"{'mean over the whole run':<32}{mean:>10.3f}{mean / floor:>12.3f}")
        for name, ms in steps.items():
            if name.startswith("PyTorch"):
                lines.append(f"  {ms / mean:.0f} times faster than {name}")

    lines += ["", f"{'one layer, share of it live':<32}{'dense, ms':>10}{'list, ms':>12}{'ratio':>8}"]
    for row in results["switch"]:
        lines.append(f"{row['live']:<32.1f}{row['dense']:>10.3f}{row['list']:>12.3f}{row['list'] / row['dense']:>8.2f}")

    title = f"inference, {results['inference']['kept']} parameters"
    lines += ["", f"{title:<58}{'images/s':>12}{'ratio':>8}"]
    ours = images["pruned, tinygsp"]
    for name, rate in sorted(images.items(), key=lambda item: -item[1]):
        lines.append(f"{name:<58}{rate:>12,.0f}{ours / rate:>8.2f}")
    lines.append(f"one image at a time: {results['inference']['one image, microseconds']:.1f} microseconds")

    if growth := results.get("growth"):
        lines += ["", f"{'ms a step, hidden layers':<32}" + "".join(f"{name:>12}" for name in growth)]
        names = [name for name in steps if all(name in column for column in growth.values())]
        lines += [f"{name:<32}" + "".join(f"{column[name]:>12.3f}" for column in growth.values()) for name in names]
    lines += ["", *(f"not compared: {name} ({reason})" for name, reason in results["missing"].items())]
    return "\n".join(lines).rstrip()


def picture(results, plots):
    """The bytes of bench.png: steps against live connections, inference, growth with width."""
    growth = results.get("growth")
    figure, axes = plots.canvas((13 if growth else 9, 4.2), 1, 3 if growth else 2)
    plots.step_times(results["steps"], axes[0, 0])
    plots.image_rates(results["inference"]["images a second"], axes[0, 1])
    if growth:
        plots.growth(growth, axes[0, 2])
    return plots.png(figure)


if __name__ == "__main__":
    sys.exit(main())
