"""Batches: scaled columns, images that move alike wherever they are asked for, and which batches move."""

import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.problems import EAGER, SMALL, formula, images, oblong
from helpers.trainers import above, at_epoch, begin, comparable, finished, trainer_of

from tinygsp.nn.layers import MaskedEdges
from tinygsp.training import Feed, Inputs, MovedInputs

f32 = np.float32


def moving(dataset, columns=None, feature_major=True, reach=1, seed=4):
    """MovedInputs of the training split; without `columns`, of all."""
    columns = np.arange(dataset.n_in) if columns is None else columns
    return MovedInputs(dataset.train_x, columns, dataset, feature_major, reach, seed)


def every_way(image, reach):
    """The image moved each way, flat: ((2 reach + 1)^2, pixels)."""
    height, width = image.shape
    padded = np.pad(image, reach)
    starts = range(2 * reach + 1)
    return np.array([padded[i : i + height, j : j + width].ravel() for i in starts for j in starts])


def ways_of(dataset, moved, samples, reach=1):
    """Which way each image was moved: (len(samples),), each found among all of them."""
    found = []
    for image, was in zip(moved, dataset.train_x[samples]):
        same_as = (every_way(was.reshape(dataset.input_shape), reach) == image).all(axis=1)
        assert same_as.any()
        found.append(same_as.argmax())
    return np.array(found)


# --- images that move ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature_major", [True, False])
@pytest.mark.parametrize("columns", [np.arange(35), np.array([0, 3, 8, 20, 21, 34]), np.arange(0)])
def test_images_that_move_by_nothing(columns, feature_major):
    dataset, samples = oblong(), np.array([2, 3, 50, 89])
    still = Inputs(dataset.train_x, columns, dataset, feature_major).batch(samples)
    moved = moving(dataset, columns, feature_major, reach=0).batch(samples, 6)
    assert moved.dtype == still.dtype == f32 and moved.strides == still.strides
    assert np.array_equal(moved.view(np.uint32), still.view(np.uint32))
    expected = (dataset.train_x[samples][:, columns] / 255 - 0.3) / 0.2
    assert np.allclose(moved, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("height, width, reach", [(5, 7, 1), (7, 5, 1), (6, 6, 1), (5, 7, 2), (1, 6, 1), (3, 2, 4)])
def test_every_image_moves_one_of_the_ways(height, width, reach):
    dataset, samples = oblong(height, width), np.array([1, 4, 5, 30, 31, 88])
    inputs = moving(dataset, reach=reach)
    for step in range(4):
        moved = inputs.take(samples, step)
        assert moved.dtype == np.uint8 and moved.shape == (6, height * width)
        ways_of(dataset, moved, samples, reach)
        expected = (moved / 255 - 0.3) / 0.2
        assert np.allclose(inputs.batch(samples, step), expected, rtol=0, atol=1e-5)


def test_every_way_is_equally_likely():
    dataset = oblong()
    samples, inputs = np.arange(90), moving(dataset)
    ways = np.array([ways_of(dataset, inputs.take(samples, step), samples) for step in range(100)])  # (steps, images)
    counts = np.bincount(ways.ravel(), minlength=9)
    assert counts.size == 9 and np.abs(counts - 1000).max() < 5 * math.sqrt(9000 * 1 / 9 * 8 / 9)
    assert all(len(set(row)) == 9 for row in ways[:5])  # the images of a batch move apart,
    assert all(len(set(column)) == 9 for column in ways.T[:5])  # and an image moves on from step to step
    pairs = np.bincount(9 * ways[:, :-1].ravel() + ways[:, 1:].ravel(), minlength=81)  # of neighbours in a batch
    assert np.abs(pairs - 8900 / 81).max() < 5 * math.sqrt(8900 / 81)


def test_moves_depend_on_seed_and_step_alone():
    dataset, samples = oblong(), np.arange(60)
    first = moving(dataset).take(samples, 7)
    other = moving(dataset)
    for step in (3, 9):
        assert not np.array_equal(other.take(samples, step), first)
    assert np.array_equal(other.take(samples, 7), first)  # whatever was asked for before
    assert not np.array_equal(moving(dataset, seed=5).take(samples, 7), first)


@pytest.mark.parametrize("reach", [1, 2])
@pytest.mark.parametrize("feature_major", [True, False])
def test_columns_of_moved_images(feature_major, reach):
    """Dropping inputs moves no image another way; x lies in memory as the layers want it."""
    dataset, samples, columns = oblong(), np.array([0, 7, 8, 45, 80]), np.array([0, 3, 6, 7, 20, 28, 34])
    whole = moving(dataset, reach=reach).batch(samples, 11)
    some = moving(dataset, columns, feature_major, reach).batch(samples, 11)
    assert some.shape == (5, 7) and np.array_equal(some, whole[:, columns])
    assert (some.T if feature_major else some).flags.c_contiguous


# --- which batches move -------------------------------------------------------------------------------------


def test_which_images_move(monkeypatch):
    """Those to train on, every step anew, but for the second half of fine-tuning; never those to validate with."""
    asked, take = [], MovedInputs.take
    monkeypatch.setattr(MovedInputs, "take", lambda self, *given: (asked.append(given[1]), take(self, *given))[1])
    trainer, steps = trainer_of(settings=replace(EAGER, shift=1, finetune_epochs=4)), []
    dataset, feed = trainer.dataset, trainer.feed
    for record in trainer.run():
        steps.append(trainer.step)
        values = dataset.val_x[:, trainer.net.units[0]]
        assert np.allclose(feed.validation(trainer.net), (values / 255 - 0.3) / 0.2, rtol=0, atol=1e-5)
        assert type(feed.kept["validation", False]) is Inputs and ("validation", True) not in feed.kept
        assert record["val_accuracy"] == np.mean(above(trainer, 0).predict(dataset.val_x) == dataset.val_y)
    assert asked == list(range((2 + 8 + 2) * 19)) and steps[-1] == (2 + 8 + 4) * 19


@pytest.mark.parametrize("shift, seed", [(1, 0), (2, 5)])
def test_settings_and_seed_reach_the_images(shift, seed):
    trainer, samples = trainer_of(settings=replace(SMALL, shift=shift), seed=seed), np.arange(40)
    begin(trainer, "dense")
    expected = moving(trainer.dataset, reach=shift, seed=seed).batch(samples, 3)
    assert np.array_equal(trainer.feed.training(trainer.net, samples, 3, moved=True), expected)


@pytest.mark.parametrize("dataset", [formula(), images(input_shape=(36,))], ids=["numbers", "a row of pixels"])
def test_what_is_no_image_stays_where_it_is(dataset):
    settings = replace(SMALL, density=0.5, lr=0.02)
    assert not trainer_of(settings=replace(settings, shift=1), dataset=dataset).plan.moves
    still, moved = (finished(settings=replace(settings, shift=shift), dataset=dataset) for shift in (0, 1))
    assert comparable(still[1]) == comparable(moved[1])
    assert still[0].network.to_bytes() == moved[0].network.to_bytes()


def test_oblong_images_are_pruned():
    trainer, records = finished(settings=replace(EAGER, shift=1), dataset=oblong())
    assert trainer.network.count() <= trainer.budget and math.isfinite(records[-1]["loss"])
    assert trainer.network.meta.input_shape == (5, 7) and len(trainer.net.units[0]) < 35  # some columns were dropped


# --- the feed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moved", [False, True])
def test_the_feed_serves_what_the_network_reads(moved):
    """In the layout that its first layer works with, before and after it became a list."""
    trainer = trainer_of(settings=replace(EAGER, shift=1))
    samples, layouts = np.array([5, 6, 100, 599]), set()
    for record in trainer.run():
        net = trainer.net
        x = trainer.feed.training(net, samples, 8, moved)
        is_list = isinstance(net.layers[0], MaskedEdges)
        whole = (moving(trainer.dataset, seed=0) if moved else trainer.feed.all_columns(False)).batch(samples, 8)
        assert np.array_equal(x, whole[:, net.units[0]]), record
        assert (x.T if is_list else x).flags.c_contiguous and x.dtype == f32
        layouts.add((is_list, len(net.units[0]) < 36))
    assert {(False, False), (True, True)} <= layouts


def test_the_feed_keeps_columns_until_the_network_reads_others():
    trainer = at_epoch(2)
    feed, net, samples = Feed(trainer.dataset, 1, 0), trainer.net, np.arange(9)
    feed.training(net, samples, 0, False)
    kept = feed.kept["training", False]
    feed.training(net, samples, 1, False)
    feed.training(net, samples, 1, True)
    assert feed.kept["training", False] is kept and type(feed.kept["training", True]) is MovedInputs
    begin(trainer, "finetune")
    feed.training(net, samples, 2, False)
    assert feed.kept["training", False] is not kept
    assert feed.all_columns(True) is feed.all_columns(True) and feed.all_columns(True).feature_major


@pytest.mark.parametrize("columns, feature_major, fits", [
    ([1, 2, 5], True, True), ([1, 2, 5], False, False), ([1, 2], True, False), ([1, 2, 6], True, False),
])  # fmt: skip
def test_which_inputs_fit(columns, feature_major, fits):
    dataset = oblong()
    inputs = Inputs(dataset.train_x, np.array([1, 2, 5]), dataset)
    assert inputs.fits(np.array(columns), feature_major) == fits


@pytest.mark.parametrize("columns", [[0, 35], [-1, 3], [35]])
def test_columns_that_are_not_there(columns):
    dataset = oblong()
    with pytest.raises(ValueError, match=r"columns are from .* to .*; x has 35 of them"):
        Inputs(dataset.train_x, np.array(columns), dataset)
    with pytest.raises(ValueError, match=r"columns are from .* to .*; x has 35 of them"):
        moving(dataset, np.array(columns))


def test_images_of_another_size():
    dataset = oblong()
    with pytest.raises(ValueError, match="x has 36 columns; images of 5 x 7 have 35"):
        MovedInputs(np.zeros((3, 36), np.uint8), np.arange(3), dataset, True, 1, 0)


@pytest.mark.parametrize("samples", [[0, 90], [-1, 3], [10**9]])
def test_samples_that_are_not_there(samples):
    dataset, samples = oblong(), np.array(samples)
    assert len(dataset.train_x) == 90
    with pytest.raises(ValueError, match="a sample is outside"):
        moving(dataset).batch(samples)


def test_columns_with_a_scale_of_their_own():
    dataset = replace(
        formula(), mean=(0.5, -1.0, 2.0, 0.0), std=(0.1, 0.0, 3.0, 2.0), bent=(3,), input_names=("a", "b", "c", "d")
    )  # fmt: skip
    samples, columns = np.arange(40, 60), np.array([0, 1, 3])
    for feature_major in (True, False):
        x = Inputs(dataset.train_x, columns, dataset, feature_major).batch(samples)
        assert x.dtype == f32 and np.array_equal(x, dataset.scaled(dataset.train_x)[samples][:, columns])
        assert x.T.flags.c_contiguous == feature_major
