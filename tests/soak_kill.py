"""Kill commands again and again, at random moments, and go on: nothing may be lost and not a bit may change.

    python tests/soak_kill.py --kills 200 --seed 0

Each kill is a SIGKILL (on Windows, TerminateProcess) to train, explain, sweep or export in a process of its own. The
command is then repeated, for train with --resume, and perhaps killed again, until it is done. What it leaves is
compared with what an uninterrupted one left, every file, byte for byte, but for seconds and paths. Two fifths of the
kills hit train, some milliseconds after an epoch drawn at random, or while it starts, or while it writes its report; a
fifth each hit explain and export, often while they write, and sweep. After a killed explain, its run must hold the
files of before or those of after, and nothing that train --force would refuse to replace; after a killed export, the
file that it replaces must be the old one or the new one. Exit code 0 if all are equal.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tinygsp.runs.files import TEMPORARY, find_strange

ROOT = Path(__file__).resolve().parent.parent
RUN = """
import sys
from dataclasses import replace
from tinygsp.commands import {command}
from tinygsp.runs import folder
from tinygsp.training import settings
settings.TOY = replace(settings.TOY, dense_epochs=40, epochs=60, search_share=0.5, finetune_epochs=30, tries=3)
folder.SECONDS_BETWEEN = 0.05  # there is nearly always a checkpoint being written
if __name__ == "__main__":
    sys.exit({command}.main())
"""
ENDS = [  # the epoch after which each phase is over
    ("dense", 40), ("search 1", 70), ("rewire 1", 100), ("finetune 1", 130), ("search 2", 160), ("rewire 2", 190),
    ("finetune 2", 220), ("search 3", 250), ("rewire 3", 280), ("finetune 3", 310),
]  # fmt: skip


def start(command, *arguments):
    line = [sys.executable, "-c", RUN.format(command=command), *map(str, arguments), "--quiet"]
    return subprocess.Popen(line, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finished(process):
    """Wait for a command to end, which it must with exit code 0."""
    errors = process.communicate()[1]
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}: {errors}")


def killed(process):
    """Kill a process. Whether it was still running."""
    process.kill()
    process.communicate()
    return process.returncode != 0


def files_in(out):
    """{name: content} of all files below a folder."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


class Train:
    """A run of the toy problem with short phases, resumed after each kill."""

    def __init__(self, folder):
        self.expected = None
        finished(self.go_on(folder / "whole"))
        self.expected = self.content(folder / "whole")

    def begin(self, out):
        """Prepare a folder to be killed in."""

    def go_on(self, out):
        return start("train", *(["--resume", out] if (out / "config.json").exists() else ["toy", "--out", out]))

    def rows(self, out):
        """How many epochs the run has done, as its metrics.csv tells."""
        try:
            return (out / "metrics.csv").read_bytes().count(b"\n") - 1
        except OSError:
            return -1

    def kill(self, process, out, rng):
        """Kill the run at a random moment. Returns where it was, "" if it had ended."""
        epochs = ENDS[-1][1]
        target = rng.uniform(min(self.rows(out), epochs) - 0.05 * epochs, 1.05 * epochs)
        pause = rng.uniform(0, 2) if not 0 <= target < epochs else rng.uniform(0, 0.05)
        while process.poll() is None and 0 <= target > self.rows(out) and not (out / "model.npz").exists():
            time.sleep(0.001)
        time.sleep(pause)
        if not killed(process):
            return ""
        done = self.rows(out)
        if (out / "model.npz").exists() or done >= epochs:
            return "train: the report"
        return f"train: {next(name for name, end in ENDS if done < end) if done >= 0 else 'the start'}"

    def content(self, out):
        """{name: what must be equal} of a finished run."""
        files = files_in(out)
        files["metrics.csv"] = [line.rsplit(b",", 1)[0] for line in files["metrics.csv"].splitlines()]
        files["summary.json"] = {**json.loads(files["summary.json"]), "seconds": 0}
        config = json.loads(files["config.json"])
        files["config.json"] = {name: value for name, value in config.items() if name not in ("out", "data_relative")}
        return files


class Explain:
    """A finished run that is explained: all files of explain are there, or none."""

    def __init__(self, folder):
        self.run = folder / "whole"  # of Train
        self.before = files_in(self.run)
        out, began = folder / "explained", time.monotonic()
        self.begin(out)
        finished(self.go_on(out))
        self.seconds, self.expected = time.monotonic() - began, self.content(out)

    def begin(self, out):
        shutil.copytree(self.run, out)

    def go_on(self, out):
        return start("explain", out)

    def kill(self, process, out, rng):
        """Kill explain at a random moment, two times of three while it writes. Returns where it was."""
        began, writes = time.monotonic(), rng.random() < 0.67
        target, pause = rng.uniform(0, 1.2 * self.seconds), rng.uniform(0, 0.03)
        while process.poll() is None and (writes or time.monotonic() - began < target):
            if writes and any(out.glob(".explain-*")):
                time.sleep(pause)
                break
            time.sleep(0.001)
        if not killed(process):
            return ""
        staged, found = any(out.glob(".explain-*")), files_in(out)
        visible = {name: content for name, content in found.items() if not name.startswith(".") and "/." not in name}
        visible.pop("run.lock", None)
        for name, content in visible.items():
            if content not in (self.before.get(name), self.expected.get(name)):
                sys.exit(f"{out}: {name} is neither what it was nor what it should become")
        if missing := self.before.keys() - visible.keys():
            sys.exit(f"{out}: {min(missing)} is gone")
        if strange := find_strange(out):
            sys.exit(f"{out}: holds {strange}, so train --force would refuse it")
        return f"explain: {'writing' if staged else 'before or after writing'}"

    def content(self, out):
        return files_in(out)


class Sweep:
    """Four tasks of the toy problem in two processes: what is done is not done again."""

    arguments = ("toy", "--methods", "random,magnitude", "--seeds", "0-1", "--epochs", "2", "--tries", "1")

    def __init__(self, folder):
        out, began = folder / "swept", time.monotonic()
        finished(self.go_on(out))
        self.seconds, self.expected = time.monotonic() - began, self.content(out)

    def begin(self, out):
        """Prepare a folder to be killed in."""

    def go_on(self, out):
        return start("sweep", *self.arguments, "--workers", 2, "--out", out)

    def kill(self, process, out, rng):
        """Kill the sweep at a random moment. Returns how far it was."""
        target, began = rng.uniform(0, 1.1 * self.seconds), time.monotonic()
        while process.poll() is None and time.monotonic() - began < target:
            time.sleep(0.001)
        if not killed(process):
            return ""
        done = sum(not TEMPORARY.fullmatch(path.name) for path in out.glob("tasks/*"))
        return f"sweep: {done} of 4 done"

    def content(self, out):
        """{name: what must be equal} of a finished sweep: its times are not."""
        files = files_in(out)
        for name in [name for name in files if Path(name).parent.name == "tasks"]:
            content = json.loads(files[name])
            content["result"] = {k: v for k, v in content["result"].items() if "seconds" not in k}
            files[name] = content
        table = [line.split(b",") for line in files["table.csv"].splitlines()]
        kept = [k for k, column in enumerate(table[0]) if b"seconds" not in column]
        files["table.csv"] = [[row[k] for k in kept] for row in table]
        return files


class Export:
    """A finished run that is exported, over another file."""

    def __init__(self, folder):
        self.run = folder / "whole"  # of Train
        out, began = folder / "exported", time.monotonic()
        self.begin(out)
        finished(self.go_on(out))
        self.seconds, self.expected = time.monotonic() - began, self.content(out)

    def begin(self, out):
        out.mkdir()
        (out / "network.c").write_bytes(b"another file")

    def go_on(self, out):
        return start("export", self.run, "--to", "c", "-o", out / "network.c", "--force")

    def kill(self, process, out, rng):
        """Kill export at a random moment, two times of three when it has begun to write. Returns where it was."""
        began, writes = time.monotonic(), rng.random() < 0.67
        target, pause = rng.uniform(0, 1.2 * self.seconds), rng.uniform(0, 0.003)
        while process.poll() is None and (writes or time.monotonic() - began < target):
            if writes and any(out.glob(".network.c.*")):
                time.sleep(pause)
                break
        if not killed(process):
            return ""
        found = files_in(out)
        if found.pop("network.c", None) not in (b"another file", self.expected["network.c"]):
            sys.exit(f"{out}: network.c is neither what it was nor what it should become")
        for name in found:
            if not TEMPORARY.fullmatch(name):
                sys.exit(f"{out}: holds {name}")
            os.utime(out / name, (0, 0))  # the next export removes what is too old to be somebody's
        return f"export: {'writing' if found else 'before or after writing'}"

    def content(self, out):
        return files_in(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="default: 200")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default: 0)")
    args = parser.parse_args()
    rng, kills, equal, runs = random.Random(args.seed), Counter(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        train = Train(Path(folder))
        commands = [train, train, *(command(Path(folder)) for command in (Explain, Sweep, Export))]
        while kills.total() < args.kills:
            command, out = rng.choice(commands), Path(folder) / f"run{runs}"
            runs += 1
            command.begin(out)
            for _ in range(rng.randint(1, 4)):
                if where := command.kill(command.go_on(out), out, rng):
                    kills[where] += 1
                if kills.total() == args.kills:
                    break
            finished(command.go_on(out))
            same = command.content(out) == command.expected
            equal += same
            verdict = "equal" if same else "DIFFERENT"
            print(f"{type(command).__name__.lower()} {runs}: {verdict}, {kills.total()} kills so far", flush=True)
            shutil.rmtree(out)
    print(f"{kills.total()} kills: {', '.join(f'{n} in {name}' for name, n in sorted(kills.items()))}")
    print(f"{equal} of {runs} equal the uninterrupted ones")
    return 0 if equal == runs else 1


if __name__ == "__main__":
    sys.exit(main())
