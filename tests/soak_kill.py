"""Kill a run again and again, at random moments, and go on with it: nothing may be lost and not a bit may change.

    python tests/soak_kill.py --kills 50 --seed 0

Each kill is a SIGKILL (on Windows, TerminateProcess) to a run in a process of its own, some milliseconds after an epoch
drawn at random, or while it starts, or while it writes its report. The run is then resumed, and perhaps killed again,
until it is done. What it leaves is compared with what an uninterrupted run left: every file, byte for byte, but for
the seconds in metrics.csv and summary.json, and config.json, where its own folder is named. Exit code 0 if all are
equal.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = """
import sys
from dataclasses import replace
from tinygsp.commands import train
from tinygsp.runs import folder
from tinygsp.training import settings
settings.TOY = replace(settings.TOY, dense_epochs=40, epochs=60, search_share=0.5, finetune_epochs=30, tries=3)
folder.SECONDS_BETWEEN = 0.05  # there is nearly always a checkpoint being written
sys.exit(train.main())
"""
ENDS = [  # the epoch after which each phase is over
    ("dense", 40), ("search 1", 70), ("rewire 1", 100), ("finetune 1", 130), ("search 2", 160), ("rewire 2", 190),
    ("finetune 2", 220), ("search 3", 250), ("rewire 3", 280), ("finetune 3", 310),
]  # fmt: skip


def start(*arguments):
    command = [sys.executable, "-c", RUN, *map(str, arguments), "--quiet"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def resume_or_start(out):
    return start("--resume", out) if (out / "config.json").exists() else start("toy", "--out", out)


def finished(process):
    """Wait for a run to end, which it must with exit code 0."""
    errors = process.communicate()[1]
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}: {errors}")


def rows(out):
    """How many epochs the run in `out` has done, as its metrics.csv tells."""
    try:
        return (out / "metrics.csv").read_bytes().count(b"\n") - 1
    except OSError:
        return -1


def phase(out):
    """How far the run in `out` came, as its folder tells."""
    if (out / "model.npz").exists():
        return "the report"
    done = rows(out)
    if done < 0:
        return "the start"
    return next(name for name, end in ENDS if done < end) if done < ENDS[-1][1] else "the report"


def kill(process, out, rng):
    """Kill a run at a random moment. Whether it was still running."""
    epochs = ENDS[-1][1]
    target = rng.uniform(min(rows(out), epochs) - 0.05 * epochs, 1.05 * epochs)
    pause = rng.uniform(0, 2) if not 0 <= target < epochs else rng.uniform(0, 0.05)
    while process.poll() is None and 0 <= target > rows(out) and not (out / "model.npz").exists():
        time.sleep(0.001)
    time.sleep(pause)
    process.kill()
    process.communicate()
    return process.returncode != 0


def content(out):
    """{name: what must be equal} of a finished run."""
    files = {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    files["metrics.csv"] = [line.rsplit(b",", 1)[0] for line in files["metrics.csv"].splitlines()]
    files["summary.json"] = {**json.loads(files["summary.json"]), "seconds": 0}
    files["config.json"] = {**json.loads(files["config.json"]), "out": ""}
    return files


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="default: 50")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    args = parser.parse_args()
    rng, killed, equal, runs = random.Random(args.seed), Counter(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole"
        finished(start("toy", "--out", whole))
        expected = content(whole)
        while killed.total() < args.kills:
            out = Path(folder) / f"run{runs}"
            runs += 1
            for _ in range(rng.randint(1, 4)):
                process = resume_or_start(out)
                if kill(process, out, rng):
                    killed[phase(out)] += 1
                if killed.total() == args.kills:
                    break
            finished(resume_or_start(out))
            same = content(out) == expected
            equal += same
            print(f"run {runs}: {'equal' if same else 'DIFFERENT'}, {killed.total()} kills so far", flush=True)
    print(f"{killed.total()} kills: {', '.join(f'{n} in {name}' for name, n in sorted(killed.items()))}")
    print(f"{equal} of {runs} runs equal the uninterrupted one")
    return 0 if equal == runs else 1


if __name__ == "__main__":
    sys.exit(main())
