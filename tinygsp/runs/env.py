"""env.json: what the last bits of a result depend on besides the arguments of the run."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path

import numpy as np

from tinygsp.runs.files import write_json

CHANGES_BITS = ("python", "numpy", "numba", "llvmlite", "blas", "cpu", "threads")  # entries of env.json


def environment(threads: int) -> dict:
    """Return the versions, the system, the processor and the number of threads of BLAS, as env.json has them."""
    import llvmlite
    import numba

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "llvmlite": llvmlite.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "system": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "threads": threads,
    }


def cpu_name() -> str:
    """Return the name of the processor, as Linux has it in /proc/cpuinfo or as Python knows it elsewhere."""
    try:
        match = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        return match[1] if match else platform.processor()
    except OSError:
        return platform.processor()


def compare_environment(path: Path, env: dict, epoch: int) -> str:
    """Return one line on how `env` differs from where the run began, in what may change the last bits, or "".

    path  : folder of the run; its env.json gains the difference under "resumed", or is made if it cannot be read
    epoch : int   epochs done so far
    """
    file = Path(path) / "env.json"
    try:
        began = json.loads(file.read_text(encoding="utf-8"))
        differs = {name: env[name] for name in CHANGES_BITS if began[name] != env[name]}
    except (OSError, ValueError, KeyError, TypeError):
        write_json(file, env)
        return ""
    if not differs:
        return ""
    began["resumed"] = [*began.get("resumed", []), {"epoch": epoch, **differs}]
    write_json(file, began)
    changes = ", ".join(f"{name} {began[name]} -> {value}" for name, value in differs.items())
    return f"the run began elsewhere ({changes}): the result may differ in its last bits"
