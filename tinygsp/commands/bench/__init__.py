"""The command `python -m tinygsp.bench`: measures how fast the pieces are, each beside a peer or a bound.

Nothing here is a test: a figure depends on the machine, so the report names the machine. PyTorch, ONNX Runtime and
SciPy are compared with where they are installed; the report says what could not be compared.

`measure.py` goes through the sections: `twins.py` (kernels), `steps.py` (training), `inference.py`; `peers.py` and
`exports.py` have what these are compared with. `report.py` writes the tables and the picture, `aims.py` what was aimed
at. Lesson 09 shows why the pieces are as fast as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tinygsp.commands import kit

EPILOG = f"""the tables go to stdout, progress to stderr; bench.json, bench.png and bench.svg are written to OUT.
{kit.EXIT_CODES}"""


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; a mistake ends the program with one line and exit code 2."""
    parser = kit.Parser("bench", "Measure kernels, training steps and inference, side by side.", EPILOG)
    parser.add_argument("--run", type=Path, help="a finished run: its network is timed, and its mean step compared")
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder to write to (default: bench)")
    parser.add_argument("--quick", action="store_true", help="few repeats and no wider networks: a look, not a figure")
    parser.add_argument("--markdown", action="store_true", help="print Markdown, with a table of what was aimed at")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    args = parse_arguments(argv)
    out, written = args.out, []

    def body(_: kit.StopSignals) -> int:
        from tinygsp import runs
        from tinygsp.commands.bench.measure import measure
        from tinygsp.commands.bench.report import markdown, pictures, report
        from tinygsp.data.files import write_atomic

        results = measure(args.run, args.quick, kit.StepLines(args.quiet))
        files = pictures(results)
        out.mkdir(parents=True, exist_ok=True)
        runs.write_json(out / "bench.json", results)
        written.append("bench.json")
        for name, content in files.items():
            write_atomic(out / name, content)
            written.append(name)
        kit.say((markdown if args.markdown else report)(results), sys.stdout)
        kit.say(f"\nfigure and numbers: {out}", sys.stdout)
        return kit.DONE

    def kept() -> str:
        return f"written to {out}: {', '.join(written)}" if written else "nothing was written"

    return kit.run_command(body, place=lambda: out, kept=kept, bad_run=kit.DATA, at_once=True)
