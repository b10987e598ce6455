"""Run folders: what a run writes, where, and how it goes on after an interruption.

A folder holds config.json (every resolved argument), env.json (versions, CPU, BLAS, threads), metrics.csv (a row an
epoch), gates.npz (a histogram of the gates for each epoch that had one), wiring.npz (the connections after some
epochs, see `wiring.py`), model.npz, figures/ and, written last, summary.json. Until then it also holds
run.lock, checkpoint.npz (all it takes to go on) and checkpoint.previous.npz.
Every file is written whole or not at all; metrics.csv grows by a row an epoch, and a resumed run writes it anew.
Start with `folder.py`.
"""

from tinygsp.runs.checkpoint import digest
from tinygsp.runs.env import compare_environment, environment
from tinygsp.runs.errors import DamagedError, RunError
from tinygsp.runs.files import TEMPORARY, write_arrays, write_json, write_together
from tinygsp.runs.folder import Run, create, reopen
from tinygsp.runs.lock import Lock
from tinygsp.runs.source import load_source, read_config, source_entries, source_options
from tinygsp.runs.summary import summarise
from tinygsp.runs.wiring import Wiring

__all__ = [
    "TEMPORARY",
    "DamagedError",
    "Lock",
    "Run",
    "RunError",
    "Wiring",
    "compare_environment",
    "create",
    "digest",
    "environment",
    "load_source",
    "read_config",
    "reopen",
    "source_entries",
    "source_options",
    "summarise",
    "write_arrays",
    "write_json",
    "write_together",
]
