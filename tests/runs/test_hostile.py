"""A checkpoint with a right digest may still come from anybody: what it says is checked before it is used."""

import numpy as np
import pytest
from helpers.cli import one_error
from helpers.hostile.checkpoints import CHECKPOINTS, belongs_to, check_restored, good, pack, restored, trainer_of
from helpers.runs import interrupted, resumed, same

from tinygsp import runs
from tinygsp.runs.errors import DamagedError, RunError
from tinygsp.runs.restoring import restore_checkpoint

DENSE, SEARCH, REWIRE, FINETUNE, LAST = (0, 1), (3, 1), (4, 0), (7, 1), (14, 0)  # (epoch, batch) of a checkpoint


def first(array, value):
    """A copy of the array whose first number is another one."""
    array = array.copy()
    array.reshape(-1)[0] = value
    return array


def swapped(array):
    """A copy of the array whose first two numbers have changed places."""
    array = array.copy()
    array[:2] = array[1::-1]
    return array


def twice(array):
    """A copy of the array whose second number is the first one."""
    return first(array[::-1], array[0])[::-1].copy() if len(array) == 2 else np.append(array[:1], array[:-1])


FAULTS = {  # name of the array: [(moment, what is done to it, words of the refusal)]
    "layer0_velocity_W": [
        (SEARCH, lambda a: a[:1, :1], "velocity_W is float32 (1, 1)"),
        (FINETUNE, lambda a: a[:1], "velocity_W is float32 (1,)"),
        (FINETUNE, lambda a: a.astype(np.float64), "velocity_W is float64"),
    ],
    "layer1_velocity_gate": [(SEARCH, lambda a: a.T, "velocity_gate is")],
    "layer0_W": [
        (SEARCH, lambda a: a[:-1], "expected float32"),
        (FINETUNE, lambda a: a[:-1], "expected float32"),
        (DENSE, lambda a: a.reshape(-1), "expected float32"),
        (DENSE, lambda a: a[None], "expected float32"),
    ],
    "layer0_gate": [
        (SEARCH, lambda a: first(a, np.nan), "layer0_gate has a nan"),
        (DENSE, lambda a: first(a, 1.0), "not the dense one with every gate open"),
        (FINETUNE, lambda a: first(a, -1.0), "not one of at most"),
        (SEARCH, lambda a: a.reshape(-1)[:1], "layer0_gate is float32 (1,)"),
    ],
    "layer0_index": [
        (FINETUNE, lambda a: a[:-1], "layer0_index is uint32"),
        (FINETUNE, swapped, "layer0: index is out of order"),
        (FINETUNE, twice, "layer0: index is out of order"),
        (FINETUNE, lambda a: first(a, 2**32 - 1), "layer0: index has a number beyond"),
        (FINETUNE, lambda a: a.astype(np.int64), "layer0_index is int64"),
        (DENSE, lambda a: first(a, 5), "layer0_index is not that of a matrix"),
    ],
    "units0": [
        (FINETUNE, lambda a: first(a, -1), "units0 has a unit that"),
        (FINETUNE, lambda a: np.append(a[:-1], 36), "units0 has a unit that"),
        (FINETUNE, swapped, "units0 is not ascending"),
        (FINETUNE, twice, "units0 is not ascending"),
        (FINETUNE, lambda a: a[1:], "layer0: index has a connection whose input"),
        (FINETUNE, lambda a: a.astype(np.float64), "units0 is float64"),
    ],
    "units1": [(DENSE, lambda a: a[1:], "layer0_W is float32")],
    "units3": [(FINETUNE, lambda a: a[1:], "units3 lacks an output")],
    "epoch": [
        (DENSE, lambda a: np.array(-5), "epoch is -5"),
        (DENSE, lambda a: np.array(99), "epoch is 99"),
        (DENSE, lambda a: np.array([0]), "epoch is int64 (1,)"),
        (DENSE, lambda a: np.array(0.0), "epoch is float64 ()"),
        (SEARCH, lambda a: a + 1, "step is 10"),
    ],
    "batch": [
        (DENSE, lambda a: np.array(3), "batch is 3"),
        (DENSE, lambda a: np.array(-1), "batch is -1"),
        (LAST, lambda a: np.array(1), "batch is 1"),
    ],
    "step": [(SEARCH, lambda a: a + 1, "step is 11"), (SEARCH, lambda a: np.array(2**62), "step is 46116")],
    "total_loss": [(SEARCH, lambda a: np.array(np.nan), "total_loss is nan")],
    "price": [
        (SEARCH, lambda a: np.array(0.0), "price is 0.0"),
        (SEARCH, lambda a: np.array(-1.0), "price is -1.0"),
        (SEARCH, lambda a: np.array(np.nan), "price is nan"),
        (SEARCH, lambda a: np.array(np.inf), "price is inf"),
        (SEARCH, lambda a: np.array([1.0]), "price is float64 (1,)"),
    ],
    "network0_row": [
        (LAST, lambda a: first(a, 36), "row has an index outside [0, 36)"),
        (LAST, lambda a: first(a, -1), "row has an index outside [0, 36)"),
        (LAST, lambda a: a.astype(np.float32), "network0_row is float32"),
    ],
    "network1_weight": [
        (LAST, lambda a: first(a, np.inf), "not finite"),
        (LAST, lambda a: a[:-1], "shape"),
    ],
    "network2_bias": [(LAST, lambda a: a[:-1], "bias has shape")],
    "network_score": [
        (LAST, lambda a: np.array(1.5), "network_score is 1.5"),
        (LAST, lambda a: np.array([1.0]), "network_score is float64 (1,)"),
    ],
    "record_loss": [
        (SEARCH, lambda a: a[:-1], "record_loss is float64 (2,)"),
        (SEARCH, lambda a: np.append(a, a), "record_loss is float64 (6,)"),
        (SEARCH, lambda a: first(a, np.nan), "record_loss has a number outside"),
    ],
    "record_epoch": [
        (SEARCH, lambda a: a + 1, "record_epoch has a number outside of 1 to 3"),
        (SEARCH, lambda a: a[::-1].copy(), "its records are not those of the first 3 epochs"),
    ],
    "record_phase": [
        (SEARCH, lambda a: first(a, 99), "record_phase has a number outside of 0 to 1"),
        (SEARCH, lambda a: first(a, -1), "record_phase has a number outside of 0 to 1"),
        (SEARCH, lambda a: 0 * a, "its records are not those of the first 3 epochs"),
        (SEARCH, lambda a: a.astype(np.float64), "record_phase is float64"),
    ],
    "record_open_gates": [(SEARCH, lambda a: first(a, 10**9), "record_open_gates has a number outside")],
    "record_val_accuracy": [(SEARCH, lambda a: first(a, 2.0), "record_val_accuracy has a number outside")],
    "phases": [
        (SEARCH, lambda a: a[:-1], "phases is not JSON"),
        (SEARCH, lambda a: np.frombuffer(b"{}", np.uint8), "phases is not a list of texts"),
        (SEARCH, lambda a: np.frombuffer(b"[" * 100_000, np.uint8), "phases is not JSON"),
        (SEARCH, lambda a: a.astype(np.int64), "phases is int64"),
    ],
    "histograms": [
        (SEARCH, lambda a: np.append(a, a, axis=0), "histograms is int64 (2, 20)"),
        (SEARCH, lambda a: a[:, :-1], "histograms is int64 (1, 19)"),
        (SEARCH, lambda a: a[:0], "histograms is int64 (0, 20)"),
        (SEARCH, lambda a: a + 1, "histograms do not each count"),
        (SEARCH, lambda a: a + 10**6 * (np.arange(20) == 0) - 10**6 * (np.arange(20) == 1), "histograms do not"),
    ],
    "seconds": [
        (SEARCH, lambda a: np.array(-1.0), "seconds is -1.0"),
        (SEARCH, lambda a: np.array(np.inf), "seconds is inf"),
        (SEARCH, lambda a: np.array([1.0]), "seconds is float64 (1,)"),
    ],
    "belongs_to": [(SEARCH, lambda a: a[:1], "belongs_to is uint8 (1, 32)")],
    "format": [
        (SEARCH, lambda a: np.array([2]), "format is int64 (1,)"),
        (SEARCH, lambda a: np.array(0), "format is 0"),
        (SEARCH, lambda a: np.array(2.0), "format is float64"),
    ],
}  # fmt: skip


def refusal(arrays, tmp_path):
    """The line with which a checkpoint of these arrays is refused, without the path at its beginning."""
    path = tmp_path / "checkpoint.npz"
    path.write_bytes(pack(arrays))
    trainer = trainer_of("gates")
    with pytest.raises(DamagedError) as caught:
        restore_checkpoint(path, trainer, belongs_to("gates"))
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and line.isprintable() and len(line) < len(str(path)) + 300
    return line


@pytest.mark.parametrize("moment", good("gates"))
def test_an_honest_one_is_taken(moment, tmp_path):
    (tmp_path / "checkpoint.npz").write_bytes(pack(good("gates")[moment]))
    trainer, saved = restored(tmp_path / "checkpoint.npz")
    assert (trainer.epoch, trainer.batch) == moment
    check_restored((trainer, saved), 0)


@pytest.mark.parametrize(
    "name, moment, change, words",
    [pytest.param(name, *fault, id=f"{name} {k}") for name, faults in FAULTS.items() for k, fault in enumerate(faults)],
)
def test_every_fault(name, moment, change, words, tmp_path):
    arrays = dict(good("gates")[moment])
    changed = np.ascontiguousarray(change(arrays[name])) if arrays[name].ndim else change(arrays[name])
    assert changed.shape != arrays[name].shape or changed.dtype != arrays[name].dtype or (changed != arrays[name]).any()
    assert words in refusal({**arrays, name: changed}, tmp_path)


@pytest.mark.parametrize("moment", [DENSE, SEARCH, FINETUNE, LAST])
def test_whatever_is_missing(moment, tmp_path):
    """Only momentum may be missing: there is none before the first step of a phase; and frames, which are younger."""
    arrays = good("gates")[moment]
    for name in sorted(arrays):
        rest = {key: array for key, array in arrays.items() if key != name}
        if "velocity" not in name and name != "frame_epoch":
            expected = "there is no best network" if name == "network_score" else f"{name} is missing"
            assert expected in refusal(rest, tmp_path)


def test_another_phase(tmp_path):
    """The network of one moment is none of another: each phase says which wiring it works on."""
    moments = good("gates")

    def network_of(moment, other):
        names = ("layer", "units")
        kept = {name: array for name, array in moments[moment].items() if not name.startswith(names)}
        return kept | {name: array for name, array in moments[other].items() if name.startswith(names)}

    assert "not the dense one" in refusal(network_of(DENSE, FINETUNE), tmp_path)
    assert "not the dense one" in refusal(network_of((2, 0), FINETUNE), tmp_path)  # before the first search
    for moment in ((5, 1), FINETUNE, (8, 0)):  # rewire, finetune, before the second search
        assert "not one of at most 55 connections" in refusal(network_of(moment, DENSE), tmp_path)


def test_a_best_network_beyond_the_budget(tmp_path):
    arrays = dict(good("gates")[LAST])
    row, col = np.divmod(np.arange(36 * 6, dtype=np.int32), np.int32(6))
    arrays |= {"network0_row": row, "network0_col": col, "network0_weight": np.ones(216, np.float32)}
    assert "above 55" in refusal(arrays, tmp_path)
    arrays = {name: array for name, array in arrays.items() if not name.startswith("network")}
    assert "there is no best network after 14 epochs" in refusal(arrays, tmp_path)
    early = {name: array for name, array in good("gates")[LAST].items() if name.startswith("network")}
    assert "there is a best network after 3 epochs" in refusal(good("gates")[SEARCH] | early, tmp_path)


def test_other_settings_and_other_data(tmp_path):
    for k, words in enumerate(("settings in config.json", "data set")):
        arrays = dict(good("gates")[SEARCH])
        arrays["belongs_to"] = arrays["belongs_to"].copy()
        arrays["belongs_to"][k, 0] ^= 1
        (tmp_path / "checkpoint.npz").write_bytes(pack(arrays))
        with pytest.raises(RunError, match=f"the {words} is no longer what") as caught:
            restore_checkpoint(tmp_path / "checkpoint.npz", trainer_of("gates"), belongs_to("gates"))
        assert not isinstance(caught.value, DamagedError)


def test_some_of_many(tmp_path):
    """Checkpoints that are hostile at random are refused, or the run goes on to its end within its budget."""
    path, outcomes = tmp_path / "checkpoint.npz", []
    for number in range(400):
        rng = np.random.default_rng(number)
        path.write_bytes(CHECKPOINTS[number % len(CHECKPOINTS)](rng))
        try:
            result = restored(path)
        except RunError as error:
            outcomes.append("refused")
            assert str(error).startswith(f"{path}: ") and str(error).isprintable() and len(str(error)) < 600
        else:
            outcomes.append("accepted")
            check_restored(result, path.stat().st_size)
    assert min(outcomes.count("refused"), outcomes.count("accepted")) > 40


# --- what the command makes of it ---------------------------------------------------------------------------


def spoil(path):
    """Change a checkpoint so that its digest is right and its momentum too short."""
    with np.load(path) as file:
        arrays = {name: array for name, array in file.items() if name != "digest"}
    arrays["layer0_velocity_W"] = arrays["layer0_velocity_W"][:1]
    runs.write_arrays(path, {**arrays, "digest": runs.digest(arrays)})


def test_the_previous_checkpoint_takes_over(whole, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out")
    spoil(out / "checkpoint.npz")
    capsys.readouterr()
    assert resumed(out) == 0 and same(out, whole)
    warning = capsys.readouterr().err.splitlines()[0]
    assert warning.startswith("warning: ") and "layer0_velocity_W is float32" in warning and "takes over" in warning


def test_both_are_hostile(small_toy, tmp_path, monkeypatch, capsys):
    out = interrupted(monkeypatch, tmp_path / "out", step=50)
    spoil(out / "checkpoint.npz")
    (out / "checkpoint.previous.npz").write_bytes((out / "checkpoint.npz").read_bytes())
    capsys.readouterr()
    assert resumed(out) == 1
    one_error(capsys, "nothing is left to go on from", "--force")
