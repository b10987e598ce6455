"""Change the library in small wrong ways, one at a time, and count how many of the changes a test sees.

    python tests/mutate.py --mutants 300 --seed 0 --resume mutants.jsonl

`helpers/mutants.py` says what is changed. The sample depends on the seed and the library alone, 100 mutants are the
first 100 of 300, and after a change of the library most of the sample stays as it was. Each is made in a fresh copy of
the tree, in a temporary folder with a cache of compiled kernels of its own. That begins with those of a run without a
change, which every test must pass, or, if the change is in a file of kernels, empty. A mutant first meets the tests
that mirror its file or, where none does, those of its room that name it; if it is still alive, then those of its room
and of rooms that use it (WIDER), those that name its file first. It is killed by a test that fails, and so it is if a
process runs out of memory or time.

Pictures are looked at, and the bench measures: `plots/`, `page/` and `commands/bench/` are not changed. With --resume
every result is added to a file of JSON lines, and what is in it is not tried again; --again tries the survivors in it.
Exit code 0 if all were killed. Linux and macOS.
"""

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path, PurePosixPath

from helpers.mutants import Mutant, apply_mutant, find_mutants

ROOT = Path(__file__).resolve().parent.parent
SPARED = ("plots/", "page/", "commands/bench/")
COPIED = ("tinygsp", "tests", "data", "lessons", "pyproject.toml", "README.md", "CONTRIBUTING.md", "requirements.txt")
MOST_BYTES = 6 * 2**30  # of memory, for each process
SECONDS, TIMES = 120, 4  # a mutant has SECONDS, and TIMES as long as its tests take without a change
WIDER = {  # room: where to look further, below tests/
    "": ["test_door.py", "estimators"],
    "doors": ["commands"],
    "commands": ["commands"],
    "sweeping": ["sweeping", "commands/test_sweep.py", "commands/test_sweep_trouble.py"],
    "estimators": ["estimators", "test_door.py"],
    "runs": ["runs", "commands/test_resume.py", "commands/test_resume_refused.py", "commands/test_train.py"],
    "reading": ["reading", "commands/test_explain.py", "commands/test_explain_odd.py"],
    "methods": ["methods", "training/test_trainer.py"],
    "training": ["training", "methods", "estimators", "commands/test_train.py", "commands/test_train_table.py"],
    "sparse": ["sparse", "reading", "training/test_result.py", "commands/test_export.py"],
    "data": ["data", "sparse", "training/test_inputs.py", "commands/test_train.py", "commands/test_train_table.py"],
    "nn": ["test_gradcheck.py", "nn", "training"],
}


# --- which mutants, which tests ------------------------------------------------------------------------------------


def sample(root: Path, only: str, mutants: int, seed: int) -> list[Mutant]:
    """So many mutants of the library below `root`, or of the files whose path has `only` in it."""
    found = []
    for path in sorted((root / "tinygsp").rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if only in file and not file.removeprefix("tinygsp/").startswith(SPARED):
            found += find_mutants(path.read_text("utf-8"), file)
    return sorted(found, key=lambda m: _lot(m, seed))[:mutants]


def _lot(mutant: Mutant, seed: int) -> bytes:
    """What a mutant has drawn: it does not change with the rest of the library."""
    drawn = (seed, mutant.file, mutant.kind, mutant.before, mutant.after, mutant.place)
    return hashlib.sha256(repr(drawn).encode()).digest()


def rings(root: Path, file: str) -> list[list[str]]:
    """The first and the wider ring of tests of a file: lists of paths below `root`, the first perhaps empty."""
    room, *rest = PurePosixPath(file).with_suffix("").parts[1:]
    if not rest:
        room = "" if room == "__init__" else "doors"
    names, tests = [part.strip("_") for part in rest if part != "__init__"], root / "tests"
    stem = "_".join(names)
    files = sorted((tests / room).glob("test_*.py")) if names else []
    first = [path for path in files if path.stem == f"test_{stem}" or path.stem.startswith(f"test_{stem}_")]
    entries = [tests / name for name in WIDER[room] if (tests / name).exists()]
    wider = [path for entry in entries for path in (sorted(entry.rglob("test_*.py")) if entry.is_dir() else [entry])]
    if names:
        naming = [path for path in wider if re.search(rf"\b{names[-1]}\b", path.read_text("utf-8"))]
        first = first or [path for path in files if path in naming]
        wider = naming + [path for path in wider if path not in naming]
    return [[path.relative_to(root).as_posix() for path in ring] for ring in (first, wider)]


# --- running tests -------------------------------------------------------------------------------------------------


class Bench:
    """A temporary folder with one copy of the tree at a time, always at the same place, as numba's cache needs it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder, self.tree = root, folder, folder / "tree"
        self.seconds: dict[frozenset[str], float] = {}  # of each ring of tests that passes without a change

    def prepare(self, mutant: Mutant | None) -> None:
        """Make the copy anew, with this change."""
        for name in ("tree", "cache", "temporary"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in COPIED:
            if (self.root / name).is_dir():  # what numba compiled there stays there
                shutil.copytree(self.root / name, self.tree / name, ignore=shutil.ignore_patterns("*.nbi", "*.nbc"))
            elif (self.root / name).exists():
                shutil.copy2(self.root / name, self.tree / name)
        (self.folder / "temporary").mkdir()
        if mutant:
            path = self.tree / mutant.file
            text = path.read_text("utf-8")
            path.write_text(apply_mutant(text, mutant), "utf-8")
            if (self.folder / "warm").exists() and "jit" not in text:  # a kernel may be part of one in another file
                shutil.copytree(self.folder / "warm", self.folder / "cache")

    def run(self, tests: list[str], cache: str, seconds: float | None) -> tuple[int | None, str]:
        """Run tests in the copy until one fails: (exit code, None if the time was over, and what was printed)."""
        from resource import RLIMIT_AS, setrlimit

        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-n", "0", "-q", "--tb=line", "-p", "no:cacheprovider", *tests],
            cwd=self.tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            env=os.environ | {
                "NUMBA_CACHE_DIR": str(self.folder / cache), "PYTHONPATH": str(self.tree),
                "TMPDIR": str(self.folder / "temporary"), "OPENBLAS_NUM_THREADS": "1",
            },
            start_new_session=True, preexec_fn=lambda: setrlimit(RLIMIT_AS, (MOST_BYTES, MOST_BYTES)),
        )  # fmt: skip
        try:
            printed = process.communicate(timeout=seconds)[0]
            return process.returncode, printed
        except subprocess.TimeoutExpired:
            return None, ""
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and whatever a test left behind
            process.wait()
            process.stdout.close()

    def check(self, tests: list[str]) -> float:
        """How many seconds these tests take without a change, which they must pass. Their order does not matter."""
        ring = frozenset(tests)
        if ring not in self.seconds:
            self.prepare(None)
            began = time.monotonic()
            code, printed = self.run(tests, "warm", None)
            if code not in (0, 5):  # 5: there are none
                sys.exit(f"{' '.join(tests)}: fails without a change:\n{printed[-2000:]}")
            self.seconds[ring] = time.monotonic() - began
        return self.seconds[ring]

    def judge(self, mutant: Mutant) -> dict:
        """Show the mutant to its rings of tests: what became of it, and what killed it."""
        began = time.monotonic()
        outcome = {"verdict": "alive", "by": "", "ring": 0}
        for number, tests in enumerate(rings(self.root, mutant.file), start=1):
            if not tests:
                continue
            limit = SECONDS + TIMES * self.check(tests)
            self.prepare(mutant)
            code, printed = self.run(tests, "cache", limit)
            if code not in (0, 5):
                failed = re.search(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)
                by = failed[1] if failed else f"exit code {code}"
                outcome = {"verdict": "timed out" if code is None else "killed", "by": by, "ring": number}
                break
        return outcome | {"seconds": round(time.monotonic() - began, 1)}


# --- the command ---------------------------------------------------------------------------------------------------


def read_results(path: Path | None) -> dict[Mutant, dict]:
    """What became of each mutant in a file of results; the last line of each counts."""
    results = {}
    if path and path.exists():
        for line in path.read_text("utf-8").splitlines():
            record = json.loads(line)
            results[Mutant(**record["mutant"])] = record["outcome"]
    return results


def report(mutants: list[Mutant], results: dict[Mutant, dict], total: int) -> int:
    """Print how many of these mutants were killed, and who survives. Returns the exit code."""
    done = [mutant for mutant in mutants if mutant in results]
    verdicts = Counter(results[mutant]["verdict"] for mutant in done)
    alive = verdicts.pop("alive", 0)
    killed, first = len(done) - alive, sum(results[m]["ring"] == 1 for m in done)
    print(f"{killed} of {len(done)} killed ({first} by the first ring, {verdicts['timed out']} out of time)", end="")
    print(f", {total - len(done)} of {total} not tried yet" if len(done) < total else "")
    for mutant in sorted((m for m in done if results[m]["verdict"] == "alive"), key=lambda m: (m.file, m.line)):
        print(f"alive: {mutant.title}")
    return 1 if alive or len(done) < total else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mutants", type=int, default=300, help="default: 300")
    parser.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    parser.add_argument("--only", default="", metavar="PATH", help="mutants of files with this in their path")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="read and add to these results, JSON lines")
    parser.add_argument("--again", action="store_true", help="try those that are alive in the results once more")
    parser.add_argument("--report", action="store_true", help="try nothing, report on the results")
    args = parser.parse_args()
    mutants = sample(ROOT, args.only, args.mutants, args.seed)
    results = read_results(args.resume)
    with tempfile.TemporaryDirectory(prefix="mutate-") as folder:
        Path(folder).chmod(0o755)  # a test becomes a user without rights
        bench = Bench(ROOT, Path(folder))
        for number, mutant in enumerate([] if args.report else mutants, start=1):
            if mutant in results and not (args.again and results[mutant]["verdict"] == "alive"):
                continue
            results[mutant] = bench.judge(mutant)
            if args.resume:
                with args.resume.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"mutant": asdict(mutant), "outcome": results[mutant]}) + "\n")
            print(f"{number}/{len(mutants)} {results[mutant]['verdict']}: {mutant.title}", file=sys.stderr, flush=True)
    return report(mutants, results, len(mutants))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and what runs is ended, the folder removed
    sys.exit(main())
