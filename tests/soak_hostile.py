"""Feed the readers many spoiled files: `python tests/soak_hostile.py --inputs 100000 --seed 0`.

Good files of each kind are spoiled at random, their bytes or their meaning, and read. One file in five is well-formed,
with every size and checksum right, and hostile in what it says. `helpers/hostile/judge.py` says what a reader promises.
Input number i depends on the seed and i alone: `--first i --inputs 1` repeats a single one. Ctrl-C ends it with the
figures of what was done.
`tests/sparse/test_hostile.py` runs two thousand of them.
"""

import argparse
import sys

from helpers.hostile.judge import peak_mib, run


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    args = parser.parse_args()
    table, broken = run(args.inputs, args.seed, args.first, progress=True)
    print(f"{'reader':<8}{'what was done to it':<42}{'accepted':>9}{'refused':>9}{'broken':>8}{'slowest':>11}")
    for (reader, kind), row in sorted(table.items()):
        counts = "".join(f"{row[name]:>{width},}" for name, width in (("accepted", 9), ("refused", 9), ("broken", 8)))
        print(f"{reader:<8}{kind:<42}{counts}{1000 * row['slowest']:>8.1f} ms")
    accepted, refused, bad = (sum(row[name] for row in table.values()) for name in ("accepted", "refused", "broken"))
    slowest = max(row["slowest"] for row in table.values())
    memory = f"{peak_mib():.0f} MiB" if peak_mib() else "unknown"
    print(
        f"\n{accepted + refused + bad:,} inputs, seed {args.seed}: {accepted:,} accepted, {refused:,} refused, "
        f"{len(broken)} broken promises; slowest {slowest:.2f} s, peak memory {memory}"
    )
    print("\n".join(broken[:20]))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
