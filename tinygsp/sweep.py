"""python -m tinygsp.sweep: methods x densities x seeds, on any concurrent.futures.Executor.

A Task is one run. The SHA-256 of all that its result depends on names the file that holds the result, so a sweep that
was interrupted does only what is missing. `sweep` gives tasks to an executor and yields what becomes of them; around
it are a folder with one owner, a pool whose workers end with their parent, and a table, a summary and a figure.

    from concurrent.futures import ThreadPoolExecutor
    from tinygsp import prune, sweep

    tasks = sweep.make_tasks("toy", ["gates", "magnitude"], [0.2], range(5), prune.TOY)
    with ThreadPoolExecutor(1) as executor:
        for task, outcome in sweep.sweep(tasks, executor):
            print(task.method, task.seed, outcome)

As in train.py, arguments are read before anything heavy is imported. Read baselines.py next: it has the methods.
"""

import argparse
import atexit
import contextlib
import csv
import hashlib
import io
import json
import logging
import math
import multiprocessing
import os
import re
import signal
import socket
import statistics
import sys
import threading
import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from tinygsp.train import DATA, DONE, FAILED, INTERRUPTED, OPTIONS, USAGE, Parser, Stop, fail, number, say

FORMAT = 2  # of a result; to be raised when the methods change, so that old results are not taken for new ones
DENSITIES = (0.0015, 0.00375, 0.01, 0.0147)  # at most 399, 999, 2,666 and 3,919 of 266,610 parameters
SETTINGS = ("epochs", "tries", "hidden", "batch_size", "lr")  # of train.OPTIONS, the same for all tasks
MOST_SEEDS = 10_000
MOST_WORKERS = 61 if os.name == "nt" else 1024  # Windows waits for no more
REBUILDS = 3  # of a pool, one of whose workers was killed
PATIENCE = 10  # seconds to reach a scheduler
LOCK, OURS = "sweep.lock", {"tasks", "env.json", "table.csv", "frontier.png", "sweep.lock"}
ADDRESS = r"tcp://([^\s:/\[\]]+|\[[^\s\]]+\]):(\d{1,5})"
RESULT = re.compile(r"[0-9a-f]{16}\.json")
COLUMNS = {  # of table.csv, and how their numbers are written
    "data": "", "method": "", "density": "", "at_most": "", "kept": "", "kept_weights": "", "kept_biases": "",
    "pixels": "", "seed": "", "val_accuracy": ".6f", "test_accuracy": ".6f", "dense_val_accuracy": ".6f",
    "epochs": "", "steps": "", "cpu_seconds": ".2f",
}  # fmt: skip
PUBLISHED = (  # of 784-300-100-10 on MNIST: name, parameters kept, test accuracy, where its label stands, in points
    ("Sparse VD", 3919, 0.9808, (24, 30)),  # Molchanov, Ashukha, Vetrov 2017
    ("Sparse Momentum", 2666, 0.9764, (66, -13)),  # this and the next two: Dettmers and Zettlemoyer 2019, in
    ("Sparse Momentum", 3999, 0.9795, (18, -11)),  # github.com/TimDettmers/sparse_learning, whose
    ("Sparse Momentum", 5332, 0.9801, (9, 0)),  # MNIST_sparse_summary.csv has the three that follow, too
    ("Dynamic Sparse", 2666, 0.9754, (66, -25)),  # Mostafa and Wang 2019
    ("DeepR", 2666, 0.94, (-8, 0)),  # Bellec et al. 2018
    ("SET", 2666, 0.958, (8, 0)),  # Mocanu et al. 2018
    ("LC", 2666, 0.968, (8, 0)),  # Carreira-Perpinan and Idelbayev 2018
    ("DNS", 4800, 0.98, (4, 18)),  # Guo, Yao, Chen 2016
    ("linear classifier", 7850, 0.916, (-8, 0)),  # 784-10, nothing pruned
)
EPILOG = """OUT/tasks/HASH.json is the result of one task; a sweep that is interrupted and repeated does only what is
missing. Results of other settings in the same folder stay there; the table, the summary and the figure are of the
tasks that the command names. On other machines: `dask scheduler`, a `dask worker tcp://host:port --nthreads 1` for
each core, started with OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1, and --scheduler; a folder of data must be at the same
path on each, the results come back by themselves.
exit codes: 0 done, 1 failed, or some tasks did, 2 usage, 3 data missing or damaged, 130 interrupted."""


class TaskError(RuntimeError):
    """A task that cannot be finished; one line says why."""


# --- the command --------------------------------------------------------------------------------------------


def several(kind):
    """An argparse type: values of `kind` with commas between, each once."""
    return lambda text: tuple(dict.fromkeys(kind(part) for part in text.split(",")))


def seeds(text):
    """An argparse type: "0-4", "0,3,7" or both, "0-4,9"; each seed once."""
    chosen = {}
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,10})(?:-(\d{1,10}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not first <= last < 2**32 or last - first >= MOST_SEEDS:
            expected = f"0-4 or 0,3,7, whole numbers from 0 to 4294967295, at most {MOST_SEEDS:,}"
            raise argparse.ArgumentTypeError(f"{part!r}: expected {expected}")
        chosen |= dict.fromkeys(range(first, last + 1))
    return tuple(chosen)


def parse_arguments(argv):
    parser = Parser(
        prog="python -m tinygsp.sweep", description="Compare methods: methods x densities x seeds.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("data", help="mnist, toy, or a folder of four IDX files (.gz or plain)")
    add("--methods", type=several(str), help="of tinygsp.baselines, with commas between (default: all)")
    defaults = ",".join(map(str, DENSITIES))
    add("--densities", type=several(OPTIONS["density"][0]), help=f"default: {defaults}; toy: 0.2")
    add("--seeds", type=seeds, default=(0, 1, 2, 3, 4), help="0-4 or 0,3,7 (default: 0-4)")
    for name in SETTINGS:
        add(f"--{name.replace('_', '-')}", type=OPTIONS[name][0], help=OPTIONS[name][1])
    count = f"a whole number from 1 to {MOST_WORKERS}"
    add("--workers", type=number(int, 1, MOST_WORKERS, count), help="processes on this machine (default: 1)")
    add("--scheduler", metavar="ADDRESS", help="of a Dask cluster to work on, such as tcp://host:8786")
    add("--out", type=Path, help="folder of the results (default: sweeps/DATA)")
    add("--tables", action="store_true", help="run nothing: table, figure and summary of what is done already")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="print the summary as JSON")
    args = parser.parse_args(argv)
    if args.scheduler and not re.fullmatch(ADDRESS, args.scheduler):
        parser.error(f"--scheduler {args.scheduler!r}: expected tcp://host:port, as `dask scheduler` prints it")
    if args.scheduler and args.workers:
        parser.error("--workers is for this machine; with --scheduler the cluster has its own")
    return args


def main(argv=None):
    """Run the command; returns the exit code."""
    args = parse_arguments(argv)
    one_thread()
    with Stop() as stop:
        return guarded(args, stop)


def one_thread():
    """One BLAS thread in this process and those it starts, if NumPy is not there yet."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ[variable] = "1"


def guarded(args, stop):
    """`start`, with whatever can stop a sweep turned into one line and an exit code."""
    from tinygsp import data, prune, runs

    args.out = args.out or Path("sweeps") / Path(args.data).resolve().name
    args.results, args.total = {}, 0
    try:
        return start(args, stop)
    except data.DataError as error:
        return fail(error, DATA)
    except prune.SettingsError as error:
        return fail(error, USAGE)
    except runs.RunError as error:
        return fail(f"{error}{so_far(args)}", FAILED)
    except OSError as error:
        return fail(f"{error.filename or args.out}: {error.strerror or error}{so_far(args)}", FAILED)
    except KeyboardInterrupt:
        return fail(f"interrupted{so_far(args)}", INTERRUPTED)


def so_far(args):
    """What is done and kept, if it has come to that: the end of a sentence."""
    return f"; {len(args.results)} of {args.total} are done, the same command does the rest" if args.total else ""


def start(args, stop):
    """Do what is missing, then write and print what there is to see. Returns the exit code."""
    from tinygsp import prune, runs

    given = {name: getattr(args, name) for name in SETTINGS if getattr(args, name) is not None}
    densities = args.densities or ((prune.TOY.density,) if args.data == "toy" else DENSITIES)
    settings = {density: replace(prune.defaults(args.data, density), **given) for density in densities}
    tasks = make_tasks(args.data, args.methods, densities, args.seeds, settings.get)
    with claimed(args.out):
        results = args.results = read_results(args.out, tasks)
        args.total = len(tasks)
        missing = [task for task in tasks if task.name not in results and not args.tables]
        if missing:
            runs.write_json(args.out / "env.json", runs.environment(1))
        with contextlib.closing(Progress(len(tasks), len(results), args.quiet or args.json)) as show:

            def keep(task, result):
                runs.write_json(args.out / "tasks" / f"{task.name}.json", {"task": task.identity(), "result": result})
                results[task.name] = result
                show(task, result)

            failed = work(missing, args, stop, keep)
        rows = [row(task, results[task.name]) for task in tasks if task.name in results]
        rows.sort(key=lambda r: (r["density"], r["method"], r["seed"]))
        summary = summarise(rows)
        write_tables(args.out, rows, summary, args.data == "mnist" and args.hidden in (None, (300, 100)))
    report(args, rows, summary, failed)
    return FAILED if failed else DONE


def work(tasks, args, stop, keep):
    """Run the tasks, and call keep(task, result) of each that ends well. Returns the others, [(task, reason)].

    A pool that has lost a worker is replaced.
    """
    from tinygsp.runs import RunError

    failed = []
    for chances in range(REBUILDS, -1, -1):
        if not tasks:
            break
        broken, workers = set(), min(args.workers or 1, len(tasks))
        with cluster(args.scheduler) if args.scheduler else pool(workers) as executor:
            for task, outcome in sweep(tasks, executor, lambda: stop.asked):
                if isinstance(outcome, CancelledError):
                    raise RunError(f"--scheduler {args.scheduler}: the connection was lost")
                if isinstance(outcome, BrokenExecutor) and chances:
                    broken.add(task.name)
                elif isinstance(outcome, BaseException):
                    failed.append((task, reason(outcome)))
                else:
                    keep(task, outcome)
        tasks = [task for task in tasks if task.name in broken]
        if tasks:
            say(f"warning: a worker was killed; {len(tasks)} tasks begin again with new workers", sys.stderr)
        tasks = tasks[workers:] + tasks[:workers]  # one of the first has killed it, perhaps: the others go before
    return failed


def reason(error):
    """One line on why a task failed."""
    if isinstance(error, BrokenExecutor):
        return f"its worker was killed {REBUILDS + 1} times; is there enough memory for --workers?"
    return first_line(error) if isinstance(error, TaskError) else f"{type(error).__name__}: {first_line(error)}"


def first_line(error):
    return str(error).partition("\n")[0]


# --- tasks --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One run, told in plain numbers and texts, so that it reaches any worker before NumPy does."""

    data: str  # mnist, toy, or the absolute path of a folder
    fingerprint: str  # SHA-256 of the arrays: the same data in another place give the same result
    method: str
    seed: int
    settings: dict  # every field of prune.Settings, the density among them

    def identity(self):
        """All that the result depends on, as JSON has it."""
        fields = {name: value for name, value in vars(self).items() if name != "data"}
        return json.loads(json.dumps({"format": FORMAT, **fields}))

    @property
    def name(self):
        """16 hexadecimal digits, of the SHA-256 of the identity."""
        return hashlib.sha256(json.dumps(self.identity(), sort_keys=True).encode()).hexdigest()[:16]


def make_tasks(data, methods, densities, seeds, settings):
    """Every combination as a list of Tasks, seed by seed.

    data : as for data.load;  methods : names in baselines.METHODS, None for all;  settings : prune.Settings, whose
    density is replaced by each of `densities`, or a function that returns the Settings of a density

    Raises prune.SettingsError of a method that is unknown or cannot work with the data, and data.DataError.
    """
    from tinygsp.baselines import METHODS
    from tinygsp.data import load
    from tinygsp.prune import SettingsError

    at = settings if callable(settings) else lambda density: replace(settings, density=density)
    methods = list(METHODS if methods is None else methods)
    for method in methods:
        if method not in METHODS:
            raise SettingsError(f"--methods: {method!r} is unknown; known are {', '.join(METHODS)}")
    dataset = load(data, seeds[0])
    for density in densities:
        for method in methods:
            METHODS[method](dataset, at(density), seeds[0])
    prints = dict.fromkeys(seeds, fingerprint(dataset))
    if data == "toy":  # which is drawn anew for each seed
        prints = {seed: fingerprint(load(data, seed)) for seed in seeds}
    place = data if data in ("mnist", "toy") else str(Path(data).resolve())
    return [
        Task(place, prints[seed], method, seed, vars(at(density)))
        for seed in seeds
        for density in densities
        for method in methods
    ]


def fingerprint(dataset):
    """SHA-256 of the arrays of a data set, 64 hexadecimal digits."""
    import numpy as np

    from tinygsp.runs import digest

    return digest({name: a for name, a in vars(dataset).items() if isinstance(a, np.ndarray)}).tobytes().hex()


def run_task(task):
    """Run a task to its end, in whatever process this is. Returns its result, a dict fit for JSON.

    It is what runs.summarise says, read from the test set once, with cpu_seconds of this process, seconds by the
    clock, and the environment. So a process should run one task at a time. Raises TaskError.
    """
    if "numpy" not in sys.modules:
        one_thread()
    from tinygsp import baselines, data, prune, runs

    try:
        dataset = data.load(task.data, task.seed)
        if fingerprint(dataset) != task.fingerprint:
            raise TaskError(f"{task.data}: not the data of the sweep; every machine needs the same files")
        began, cpu = time.perf_counter(), time.process_time()
        pruner = baselines.METHODS[task.method](dataset, prune.Settings(**task.settings), task.seed)
        records = list(pruner.run())
        result = runs.summarise(pruner, pruner.network, records, len(pruner.network.to_bytes()))
        result["cpu_seconds"] = round(time.process_time() - cpu, 2)
        result["seconds"] = round(time.perf_counter() - began, 2)
        return {**result, "dataset": label(task), "environment": runs.environment(1)}
    except (TaskError, data.DataError, prune.DivergedError, prune.SettingsError) as error:
        raise TaskError(str(error)) from error
    except Exception as error:  # a TaskError can be sent from any process to any other; of others that is not sure
        raise TaskError(f"{type(error).__name__}: {error}") from error


def label(task):
    return Path(task.data).name


# --- executors ----------------------------------------------------------------------------------------------


def sweep(tasks, executor, asked=lambda: False):
    """Run tasks on any concurrent.futures.Executor; yields (task, its result or an exception) as they end.

    asked : function without arguments; once it returns True, KeyboardInterrupt is raised before the next wait

    However this ends, what has not begun by then is cancelled.
    """
    with held_back():
        futures = {submit(executor, task): task for task in tasks}
    try:
        waiting = set(futures)
        while waiting:
            if asked():
                raise KeyboardInterrupt
            ended, waiting = wait(waiting, 0.2, FIRST_COMPLETED)  # on Windows, Ctrl-C is not heard while waiting
            for future in ended:
                error = CancelledError() if future.cancelled() else future.exception()
                yield futures[future], error or future.result()
    finally:
        for future in futures:
            future.cancel()


def submit(executor, task):
    try:
        return executor.submit(run_task, task)
    except BrokenExecutor as error:  # by one of the tasks before
        future = Future()
        future.set_exception(error)
        return future


@contextlib.contextmanager
def held_back():
    """Hold Ctrl-C back meanwhile, where the system can; processes that are born meanwhile never get one."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def pool(workers):
    """A ProcessPoolExecutor of fresh processes. They end with this one, and at once if it is left by an exception."""
    spawn = multiprocessing.get_context("spawn")
    reader, writer = spawn.Pipe(duplex=False)
    executor = ProcessPoolExecutor(workers, spawn, begin_worker, (reader,))
    try:
        yield executor
        executor.shutdown()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        atexit.register(executor.shutdown)  # keeps it: Python 3.10 and 3.11 fail on cancelled tasks if it is collected
        writer.close()
        reader.close()


def begin_worker(parent):
    """Leave Ctrl-C to the parent, and end when its end of the pipe is closed, be it by kill -9."""

    def end():
        with contextlib.suppress(EOFError, OSError):
            parent.recv()
        os._exit(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=end, daemon=True).start()


@contextlib.contextmanager
def cluster(address):
    """An executor whose workers are those of the Dask scheduler at `address`. Raises RunError."""
    from tinygsp.runs import RunError

    try:
        from dask.distributed import Client
    except ImportError as error:
        advice = 'pip install "dask[distributed]", or this library as "tinygsp[dask]"'
        raise RunError(f"--scheduler {address}: needs Dask ({error}); {advice}") from error
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it would print tracebacks
    try:
        host, port = re.fullmatch(ADDRESS, address).groups()
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()  # a Client would try for long
        client = Client(address, timeout=PATIENCE, set_as_default=False)
        for run in (client.run_on_scheduler, client.run):  # who cannot import a task may drop it without a word
            run(exec, "import tinygsp.sweep")
    except Exception as error:  # what answers may be anything
        needed = "a Dask scheduler must run there, with this library installed for it and for its workers"
        raise RunError(f"--scheduler {address}: {first_line(error)}; {needed}") from error
    with client:
        if not client.scheduler_info()["workers"]:
            say("warning: the scheduler has no workers yet, the tasks wait for some", sys.stderr)
        yield client.get_executor(pure=False)


# --- files --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def claimed(out):
    """Have the folder `out` to oneself. Raises RunError, and changes nothing, if it has what no sweep writes."""
    from tinygsp import runs

    leftovers = []
    try:
        if out.exists() and not out.is_dir():
            raise runs.RunError(f"--out {out}: is a file; name a folder")
        for path in sorted([*out.glob("*"), *out.glob("tasks/*")]):
            half = runs.TEMPORARY.fullmatch(path.name)
            name = half[1] if half else path.name
            if not (name in OURS if path.parent == out else RESULT.fullmatch(name)):
                what = path.relative_to(out)
                raise runs.RunError(f"--out {out}: holds {what}, which no sweep writes; choose another folder")
            leftovers += [path] if half else []
        out.mkdir(parents=True, exist_ok=True)
        lock = runs.Lock(out / LOCK)
    except OSError as error:
        reason = error.strerror or error
        raise runs.RunError(f"--out {out}: cannot be written ({reason}); choose another folder") from error
    try:
        for path in leftovers:  # of a sweep that was killed
            path.unlink(missing_ok=True)
        (out / "tasks").mkdir(exist_ok=True)
        yield
    finally:
        lock.release()


def read_results(out, tasks):
    """{task.name: result} of those that are in the folder; of a file that is not what it should be, a warning."""
    results = {}
    for task in tasks:
        path = out / "tasks" / f"{task.name}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["task"] != task.identity():
                raise ValueError("it belongs to another task")
            formatted(row(task, content["result"]))
            results[task.name] = content["result"]
        except FileNotFoundError:
            pass
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            say(f"warning: {path}: damaged ({type(error).__name__}: {error}); its task is run anew", sys.stderr)
    return results


def row(task, result):
    """A row of table.csv, its numbers as they are, and the kind of problem."""
    told = {"data": label(task), "method": task.method, "density": task.settings["density"], "seed": task.seed}
    numbers = {name: result["budget" if name == "at_most" else name] for name in COLUMNS if name not in told}
    if not all(type(value) in (int, float) for value in numbers.values()):
        raise ValueError(f"numbers expected, found {numbers}")
    return {**told, **numbers, "task": result["task"]}


def formatted(row):
    return [format(row[name], style) for name, style in COLUMNS.items()]


def write_tables(out, rows, summary, published):
    """table.csv and, if there is anything to draw, frontier.png, with the figures of others if `published`."""
    from tinygsp.files import write_atomic

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(formatted, rows)])
    write_atomic(out / "table.csv", text.getvalue())
    if rows:
        from tinygsp import plots  # matplotlib takes a second to import

        figure, axes = plots.canvas((9, 5.5))
        name = "accuracy" if rows[0]["task"] == "classification" else "R²"
        plots.frontier(summary, PUBLISHED if published else (), axes[0, 0], name)
        write_atomic(out / "frontier.png", plots.png(figure))


# --- what is said -------------------------------------------------------------------------------------------


def summarise(rows):
    """What the seeds of a density and a method come to: a dict for each, in the order of `rows`.

    Means of kept, test_accuracy, val_accuracy and cpu_seconds over n seeds; test_sd, the sample standard deviation,
    None of one seed; ahead, by how much the mean of the method "gates" is above, and its standard error ahead_error =
    sqrt(sd1^2 / n1 + sd2^2 / n2), both None unless both have two seeds.
    """
    groups, means = {}, ("kept", "test_accuracy", "val_accuracy", "cpu_seconds")
    for r in rows:
        groups.setdefault((r["density"], r["method"]), []).append(r)
    summary = {}
    for (density, method), group in groups.items():
        s = {"density": density, "at_most": group[0]["at_most"], "method": method, "n": len(group)}
        s |= {name: statistics.fmean(r[name] for r in group) for name in means}
        s["test_sd"] = statistics.stdev(r["test_accuracy"] for r in group) if len(group) > 1 else None
        summary[density, method] = s
    for (density, method), s in summary.items():
        ours = summary.get((density, "gates"), s)
        compared = ours is not s and ours["n"] > 1 and s["n"] > 1
        s["ahead"] = ours["test_accuracy"] - s["test_accuracy"] if compared else None
        s["ahead_error"] = math.sqrt(sum(x["test_sd"] ** 2 / x["n"] for x in (ours, s))) if compared else None
    return list(summary.values())


def report(args, rows, summary, failed):
    """Print the summary, as a table or as JSON."""
    hours = sum(r["cpu_seconds"] for r in rows) / 3600
    lost = [{"method": t.method, "density": t.settings["density"], "seed": t.seed, "reason": why} for t, why in failed]
    lost.sort(key=lambda f: (f["density"], f["method"], f["seed"]))
    if args.json:
        content = {"out": str(args.out), "core_hours": hours, "summary": summary, "failed": lost}
        say(json.dumps(content, indent=2), sys.stdout)
        return
    classes = not rows or rows[0]["task"] == "classification"
    unit, scale, digits = ("%", 100, 2) if classes else ("R²", 1, 4)

    def score(value, error):
        """The two with a ± between, in 17 columns; blank where there is None."""
        spread = "" if error is None else f" ± {scale * error:.{digits}f}"
        return "" if value is None else f"{scale * value:.{digits}f}{spread}"

    lines = [f"{'at most':>9}  {'method':<12}{'n':>4}{f'test {unit}':>20}{f'validation {unit}':>15}{'CPU s':>9}"
             f"{'gates ahead by':>20}"]  # fmt: skip
    for s in summary:
        lines.append(f"{s['at_most']:>9,}  {s['method']:<12}{s['n']:>4}{score(s['test_accuracy'], s['test_sd']):>20}"
                     f"{score(s['val_accuracy'], None):>15}{s['cpu_seconds']:>9.1f}"
                     f"{score(s['ahead'], s['ahead_error']):>20}".rstrip())  # fmt: skip
    lines += [f"failed: {f['method']}, density {f['density']:g}, seed {f['seed']}: {f['reason']}" for f in lost]
    lines += ["", f"{len(rows)} runs, {hours:.2f} core-hours; ± is a standard deviation, of a difference its error"]
    lines.append(f"table and figure: {args.out}")
    say("\n".join(lines), sys.stdout)


class Progress:
    """A bar on a terminal, elsewhere a line for every task that ends; nothing if quiet. All on stderr."""

    def __init__(self, total, done, quiet):
        self.total, self.done, self.quiet, self.bar = total, done, quiet, None
        if quiet:
            return
        say(f"{done} of {total} were already done" if done else f"{total} tasks", sys.stderr)
        if sys.stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from tqdm import tqdm

            layout = "{desc} |{bar}| {n_fmt}/{total_fmt} {remaining}"
            with contextlib.suppress(OSError):  # a terminal may go at any time
                self.bar = tqdm(total=total, initial=done, file=sys.stderr, dynamic_ncols=True, bar_format=layout)

    def __call__(self, task, result):
        self.done += 1
        if self.quiet:
            return
        text = f"{task.method} {result['kept']:,} seed {task.seed} val {result['val_accuracy']:.4f}"
        if self.bar is None:
            say(f"{self.done:>4} of {self.total}  {text}  {result['cpu_seconds']:.0f} s", sys.stderr)
        else:
            with contextlib.suppress(OSError):
                self.bar.set_description_str(text, refresh=False)
                self.bar.update()

    def close(self):
        if self.bar is not None:
            with contextlib.suppress(OSError):
                self.bar.close()


if __name__ == "__main__":
    from tinygsp.sweep import main as run  # by its own name, under which workers find run_task

    sys.exit(run())
