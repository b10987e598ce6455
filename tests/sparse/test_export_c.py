"""The C that is written: strict compilers, sanitizers, size, a microcontroller, and fixed point to the last bit."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from helpers.exports import COMPILERS, HOSTILE, STRICT, c_scores, picture_reader, run, table_reader, table_values
from helpers.page import random_network

from tinygsp.sparse import SparseNetwork
from tinygsp.sparse.export.fixed import LARGEST, fix, largest_number
from tinygsp.sparse.export.program import ExportError, make_program

ARM = shutil.which("arm-none-eabi-gcc")
QEMU = shutil.which("qemu-system-arm")
compilers = pytest.mark.skipif(not COMPILERS, reason="needs gcc or clang")
PICTURES = np.random.default_rng(0).integers(0, 256, (60, 20)).astype(np.uint8)


def straight():
    """`table_reader` without its hidden layer."""
    network = table_reader()
    return SparseNetwork(
        [replace(network.layers[0], shape=(6, 2), col=network.layers[0].col % 2, bias=np.ones(2, np.float32))],
        network.meta,
    )


KINDS = {
    "float": (picture_reader(), {}),
    "int8": (picture_reader(), {"int8": True}),
    "int8 relu": (picture_reader(activation="relu"), {"int8": True}),
    "int8 regression": (picture_reader(task="regression"), {"int8": True}),
    "int8, no hidden layer": (picture_reader(sizes=(20, 3)), {"int8": True}),
    "no hidden layer": (picture_reader(sizes=(20, 3)), {}),
    "relu": (picture_reader(activation="relu"), {}),
    "regression": (picture_reader(task="regression"), {}),
    "table": (table_reader(), {}),
    "table, none bent": (table_reader(bent=()), {}),
    "table, regression": (table_reader(task="regression"), {}),
    "table, int8": (table_reader(), {"int8": True}),
    "table, int8 regression": (table_reader(task="regression"), {"int8": True}),
    "table, int8 relu": (table_reader(activation="relu"), {"int8": True}),
    "table, int8, no hidden layer": (straight(), {"int8": True}),
    "hostile names": (picture_reader(sizes=(20, 7, 8), class_names=HOSTILE), {}),
}


def default_network():
    """A network of the shape and size that the default run leaves: 784-300-100-10, 399 parameters."""
    network = random_network(kept=(255, 75, 59))
    for layer in network.layers:
        layer.bias[:] = 0
    network.layers[-1].bias[:] = np.arange(10) / 10 + 0.1
    assert network.count() == 399
    return network


# --- compilers ----------------------------------------------------------------------------------------------


@compilers
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_warning(kind, compiler, tmp_path):
    network, options = KINDS[kind]
    (tmp_path / "a.c").write_bytes(network.export("c", main=True, **options))
    for level in ("-O2", "-O3", "-Os"):
        run(compiler, *STRICT, level, "-c", tmp_path / "a.c", "-o", tmp_path / "a.o")


@compilers
@pytest.mark.parametrize("kind", KINDS)
def test_main_under_the_sanitizers(kind, tmp_path):
    network, options = KINDS[kind]
    values = table_values(60) if kind.startswith("table") else PICTURES
    (tmp_path / "a.c").write_bytes(network.export("c", main=True, **options))
    flags = ["-g", "-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover=all"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    if subprocess.run(
        [COMPILERS[0], *flags, str(probe), "-o", str(tmp_path / "probe")], capture_output=True
    ).returncode:
        pytest.skip("this compiler has no sanitizers")
    run(COMPILERS[0], *STRICT, *flags, tmp_path / "a.c", "-o", tmp_path / "a", "-lm")
    lines = run(tmp_path / "a", input=values.tobytes()).stdout.decode().splitlines()
    if network.meta.task == "classification":
        expected = [network.meta.class_names[k] for k in network.predict(values)]
        same = np.mean([a == b for a, b in zip(lines, expected, strict=True)])
        assert same == 1 if "int8" not in kind else same > 0.9
    else:
        found = np.array([[float(number) for number in line.split()] for line in lines])
        assert np.abs(found - network.predict(values)).max() < (0.2 if "int8" in kind else 1e-4)


@compilers
def test_main_says_that_a_sample_is_cut_short(tmp_path):
    (tmp_path / "a.c").write_bytes(picture_reader().export("c", main=True))
    run(COMPILERS[0], *STRICT, tmp_path / "a.c", "-o", tmp_path / "a", "-lm")
    done = subprocess.run([tmp_path / "a"], input=PICTURES[:3].tobytes()[:-1], capture_output=True)
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 2
    assert done.stderr == b"the last sample is cut short: it has 19 bytes, each needs 20\n"
    assert run(tmp_path / "a", input=b"").stdout == b""


@compilers
def test_several_networks_fit_into_one_program(tmp_path):
    for name in ("first", "second"):
        (tmp_path / f"{name}.c").write_bytes(picture_reader().export("c", name=name))
    (tmp_path / "both.c").write_text('#include "first.c"\n#include "second.c"\n')
    run(COMPILERS[0], *STRICT, "-c", tmp_path / "both.c", "-o", tmp_path / "both.o")


# --- size ---------------------------------------------------------------------------------------------------


def object_size(compiler, size, folder, *flags):
    """Bytes of code and tables of network.c, without the libraries: text and data of the object file."""
    run(compiler, "-std=c99", "-Os", *flags, "-c", folder / "network.c", "-o", folder / "network.o")
    text, data = run(size, folder / "network.o").stdout.splitlines()[1].split()[:2]
    return int(text) + int(data)


@pytest.mark.skipif(not (shutil.which("gcc") and shutil.which("size")), reason="needs gcc and size")
@pytest.mark.parametrize("int8, most", [(False, 6 * 1024), (True, 3 * 1024)])
def test_size_of_the_default_network(int8, most, tmp_path):
    (tmp_path / "network.c").write_bytes(default_network().export("c", int8=int8))
    assert 1000 < object_size("gcc", "size", tmp_path) < most


@pytest.mark.skipif(not ARM, reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize("processor", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("int8, most", [(False, 6 * 1024), (True, 3 * 1024)])
def test_size_on_a_microcontroller(int8, most, processor, tmp_path):
    (tmp_path / "network.c").write_bytes(default_network().export("c", int8=int8))
    assert 1000 < object_size(ARM, "arm-none-eabi-size", tmp_path, f"-mcpu={processor}", "-mthumb", *STRICT) < most


START = """\
extern void _start(void);
__attribute__((section(".vectors"), used)) static const void *const vectors[2] = {(void *)0x20400000, (void *)_start};
"""


@pytest.mark.skipif(not (ARM and QEMU), reason="needs arm-none-eabi-gcc and qemu-system-arm")
@pytest.mark.parametrize("int8", [False, True])
def test_on_a_microcontroller(int8, trained, mnist, tmp_path):
    """The program runs on a Cortex-M4 that QEMU plays, and reads and prints through the debugger's channel."""
    values = mnist.test_x[:100]
    (tmp_path / "network.c").write_bytes(trained.export("c", int8=int8, main=True))
    (tmp_path / "start.c").write_text(START)
    flags = ["-mcpu=cortex-m4", "-mthumb", "-Os", "--specs=rdimon.specs", "-Wl,--section-start=.vectors=0"]
    program = tmp_path / "network.elf"
    run(ARM, "-std=c99", *flags, tmp_path / "network.c", tmp_path / "start.c", "-o", program, "-lm")
    machine = ["-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none"]
    channel = ["-semihosting-config", "enable=on,target=native"]
    done = run(QEMU, *machine, *channel, "-kernel", program, input=values.tobytes())
    program = make_program(trained)
    expected = fix(program).scores(values).argmax(axis=1) if int8 else trained.predict(values)
    assert done.stdout.decode().split() == [trained.meta.class_names[k] for k in expected]


# --- fixed point --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "int8" in kind and "table" not in kind])
def test_the_twin_has_the_bits_of_the_c(kind, tmp_path):
    network, options = KINDS[kind]
    extremes = np.array([[0] * 20, [255] * 20, [0, 255] * 10], np.uint8)
    values = np.concatenate([PICTURES, extremes])
    found = c_scores(network.export("c", **options), tmp_path, values, network.layers[-1].n_out, np.int32)
    fixed = fix(make_program(network))
    assert np.array_equal(found, fixed.scores(values))
    assert np.abs(found / 2.0**fixed.bits - network.scores(values)).max() < 0.2
    assert np.abs(found).max() <= largest_number(fixed) < LARGEST


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "int8" in kind and "table" in kind])
def test_the_twin_of_a_table(kind, tmp_path):
    """Floats in, floats out; what is far out counts as 32 spreads, and a nan does no harm."""
    network, options = KINDS[kind]
    far = [[1e30] * 6, [-1e30] * 6, [np.inf, -np.inf, 0, 0, 0, 0], [np.nan] * 6]
    values = np.concatenate([table_values(), np.array(far, np.float32)])
    found = c_scores(network.export("c", **options), tmp_path, values, 2)
    fixed = fix(make_program(network))
    with np.errstate(all="ignore"):
        assert np.allclose(found[:-1], fixed.scores(values[:-1]), rtol=1e-6, atol=1e-6)
    exact = network.scores(table_values())
    assert np.isfinite(found).all() and np.abs(found[:-4] - exact).max() < 0.01 * np.abs(exact).max()
    assert largest_number(fixed) < LARGEST


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_fixed_point_of_a_table_has_the_units_of_its_target(scale, tmp_path):
    network = table_reader(task="regression")
    last = network.layers[-1]
    last.weight[:] *= np.float32(scale)
    last.bias[:] = np.float32(50 * scale)
    exact = network.scores(table_values())
    found = c_scores(network.export("c", int8=True), tmp_path, table_values(), 2)
    assert np.abs(found - exact).max() < 0.05 * exact.std()
    text = network.export("c", int8=True, samples=(table_values(), exact)).decode()
    assert re.search(r"R\^2 0\.99\d\d, 1\.0000 in floating point", re.sub(r"\s*\n \*\s*", " ", text))


def test_fixed_point_on_all_test_images(trained, mnist, tmp_path):
    content = trained.export("c", int8=True, samples=(mnist.test_x, mnist.test_y))
    found = c_scores(content, tmp_path, mnist.test_x, 10, np.int32)
    fixed = fix(make_program(trained))
    assert np.array_equal(found, fixed.scores(mnist.test_x))
    classes, exact = found.argmax(axis=1), trained.predict(mnist.test_x)
    assert (classes == exact).mean() > 0.99
    after, before = 100 * (classes == mnist.test_y).mean(), 100 * (exact == mnist.test_y).mean()
    said = re.sub(r"\s*\n \*\s*", " ", content.decode())
    assert f"on 10,000 samples: accuracy {after:.2f} %, {before:.2f} % in floating point" in said
    assert f"the same class in {100 * (classes == exact).mean():.2f} %" in said


def test_what_was_not_measured_is_not_claimed():
    text = picture_reader().export("c", int8=True).decode()
    assert "was not measured" in text and "accuracy" not in text


def test_large_numbers_take_fewer_bits_and_huge_ones_are_refused(tmp_path):
    bits = []
    for scale in (1, 4, 16):
        network = picture_reader(share=0.9)
        for layer in network.layers:
            layer.weight[:] *= scale
        fixed = fix(make_program(network))
        assert largest_number(fixed) < LARGEST
        bits.append(fixed.bits)
        extremes = np.array([[0] * 20, [255] * 20], np.uint8)
        found = c_scores(network.export("c", int8=True), tmp_path, extremes, 3, np.int32)
        assert np.array_equal(found, fixed.scores(extremes))
    assert bits == sorted(bits, reverse=True) and bits[0] > bits[-1]
    for layer in network.layers:
        layer.weight[:] *= 100
    with pytest.raises(ExportError, match="too large for fixed point"):
        network.export("c", int8=True)


def test_the_measure_of_a_regression_is_a_difference(tmp_path):
    network = picture_reader(task="regression")
    targets = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    text = network.export("c", int8=True, samples=(PICTURES, targets)).decode()
    assert re.search(
        r"R\^2 .* in floating point; the values differ by 0\.0\d+ at most", re.sub(r"\s*\n \*\s*", " ", text)
    )
