"""Run whole commands on any small data sets with any options: `python tests/soak_command.py --cases 500 --seed 0`.

Each case writes a data set of images, 1 x 1 to 40 x 40 pixels in 2 to 100 classes, trains on it, perhaps interrupted
and resumed, explains the run and exports it. Every command must end in success or with one line, and without a warning.
`helpers/any_command.py` makes the cases; case number i depends on the seed and i alone: `--first i --cases 1` repeats
one. `tests/commands/test_any_data.py` runs thirty of them.
"""

import argparse
import sys
import tempfile

from helpers.any_command import run_cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    args = parser.parse_args()

    def progress(number):
        if (number + 1) % 50 == 0:
            print(f"{number + 1} ...", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        counts, broken, slowest = run_cases(args.cases, args.seed, folder, args.first, progress=progress)
    for (command, code), count in sorted(counts.items()):
        print(f"{command:<8} exit code {code:<4}{count:>6}")
    print(f"{args.cases} cases, seed {args.seed}: {len(broken)} broken promises; slowest {slowest:.1f} s")
    print("\n".join(broken[:20]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
