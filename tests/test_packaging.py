"""The package can be built, installed, and used from any folder: wheel and sdist hold all that it takes.

Nothing is fetched: the build runs with the setuptools of this environment, and the fresh environment that the wheel
is installed into sees the libraries of this one.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MNIST = {path.name for path in (ROOT / "data" / "mnist").iterdir()}


def run(*command, cwd):
    """Run a command in a folder without this repository on the path; returns its stdout, or fails with its output."""
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "COVERAGE_PROCESS_START")
    }
    done = subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(kind, source, out):
    """Build a "wheel" or an "sdist" of the folder `source` into `out`, as pip does; returns the path of the file."""
    out.mkdir(exist_ok=True)
    code = f"import sys, setuptools.build_meta as b; b.build_{kind}(sys.argv[1])"
    run(sys.executable, "-c", code, out, cwd=source)
    (built,) = out.iterdir()
    return built


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("packaging")


@pytest.fixture(scope="module")
def sdist(folder):
    """The source distribution, built from a copy of the repository, so that nothing is left in it."""
    source = folder / "source"
    unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info", "sweeps", "build", "dist")
    for name in ("tinygsp", "data", "tests"):
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    return build("sdist", source, folder / "sdist")


@pytest.fixture(scope="module")
def wheel(sdist, folder):
    """The wheel, built from what the sdist holds and nothing else."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (source,) = (folder / "unpacked").iterdir()
    return build("wheel", source, folder / "wheel")


@pytest.fixture(scope="module")
def python(wheel, folder):
    """The interpreter of a fresh environment with the wheel installed; libraries come from this environment."""
    venv.create(folder / "fresh", with_pip=False)
    interpreter = folder / "fresh" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(interpreter, "-c", code, cwd=folder).strip())
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "libraries.pth").write_text("\n".join(sorted(libraries)) + "\n", encoding="utf-8")
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", packages, wheel)
    run(sys.executable, "-m", "pip", *install, cwd=folder)
    return interpreter


def test_the_wheel_holds_the_package_and_mnist_and_nothing_else(wheel):
    """Every module of the folder tinygsp, the page, the type marker, MNIST with its licence, and the metadata."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    information = {name for name in names if ".dist-info/" in name}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tinygsp").rglob("*.py")}
    parts = {f"tinygsp/page/parts/{path.name}" for path in (ROOT / "tinygsp" / "page" / "parts").iterdir()}
    files = parts | {"tinygsp/page/table.html", "tinygsp/py.typed", *(f"tinygsp/data/mnist/{name}" for name in MNIST)}
    assert names - information == modules | files
    licences = {name.partition("/licenses/")[2] for name in information if "/licenses/" in name}
    assert licences == {"LICENSE", "data/mnist/LICENSE"}


def test_the_sdist_holds_the_same_files(sdist, wheel):
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", *(f"data/mnist/{name}" for name in MNIST)} <= inside
    assert {path.relative_to(ROOT).as_posix() for path in (ROOT / "tinygsp").rglob("*.py")} <= inside


def test_the_metadata_says_what_is_needed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode("utf-8").partition("\n\n")[0]
    assert re.search(r"^Requires-Python: >=3\.10$", metadata, re.M)
    assert re.search(r"^License-Expression: MIT AND CC-BY-SA-3\.0$", metadata, re.M)
    needs = set(re.findall(r"^Requires-Dist: ([a-z0-9]+)[^;\n]*$", metadata, re.M))
    assert needs == {"numpy", "numba", "matplotlib", "tqdm", "threadpoolctl"}
    assert re.findall(r"^Provides-Extra: (.+)$", metadata, re.M) == ["dask"]


def test_an_installed_package_knows_its_version_and_its_files(python, tmp_path):
    shown = "tinygsp.__file__, data.MNIST, tinygsp.__version__, metadata.version('tinygsp')"
    code = f"import tinygsp; from importlib import metadata; from tinygsp import data; print({shown}, sep='\\n')"
    where, mnist, version, installed_version = run(python, "-c", code, cwd=tmp_path).splitlines()
    assert Path(where).parents[1] == Path(mnist).parents[2] and ROOT not in Path(where).parents
    assert version == installed_version and re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_an_installed_package_trains_explains_and_draws_the_page(python, tmp_path):
    """From another folder: a small run of the toy problem, one of MNIST, and all that is made of it afterwards."""
    short = ("--epochs", "2", "--tries", "1", "--batch-size", "5000", "--quiet")
    run(python, "-m", "tinygsp.train", "toy", *short, "--out", "toy", cwd=tmp_path)
    assert (tmp_path / "toy" / "model.npz").is_file()
    mnist = ("mnist", *short, "--hidden", "10", "--density", "0.02")
    assert "test accuracy" in run(python, "-m", "tinygsp.train", *mnist, "--out", "digits", cwd=tmp_path)
    run(python, "-m", "tinygsp.explain", "digits", "--quiet", cwd=tmp_path)
    page = (tmp_path / "digits" / "explorer.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and page.rstrip().endswith("</html>")
    for command in ("sweep", "bench"):
        assert f"tinygsp.{command}" in run(python, "-m", f"tinygsp.{command}", "--help", cwd=tmp_path)
