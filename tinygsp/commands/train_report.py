"""What train prints: a line for each epoch, and the table at the end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygsp.commands.kit import Progress

if TYPE_CHECKING:
    from tinygsp.sparse import SparseNetwork

LINES = 20  # of progress, where there is no terminal


def start_progress(total_epochs: int, epoch: int, quiet: bool) -> Progress:
    """Make the Progress of a run that has done `epoch` of `total_epochs`."""
    progress = Progress(total_epochs, epoch, quiet, every=max(1, math.ceil(total_epochs / LINES)))
    progress.note("compiling or loading the kernels (once; a minute at most, then cached) ...")
    return progress


def show_epoch(progress: Progress, record: dict[str, Any]) -> None:
    """Count an epoch as done, and show its record."""
    r = record
    line = (
        f"epoch {r['epoch']:>4}  {r['phase']:<8} loss {r['loss']:.4f}  validation {r['val_accuracy']:.4f}  "
        f"open {r['open_gates']:,}  density {r['density']:.3%}  {r['seconds']:.0f} s"
    )
    short = (
        f"{r['phase']:<8} loss {r['loss']:.3f} val {r['val_accuracy']:.4f} "
        f"open {r['open_gates']:,} ({r['density']:.2%})"
    )
    progress.advance(line, short)


def table(summary: dict[str, Any], network: SparseNetwork, out: Path) -> str:
    """Write the report for people: a row a layer, the scores, and what could be run next."""
    s = summary
    name, style = ("accuracy", "{:.2%}") if s["task"] == "classification" else ("R^2", "{:.4f}")
    lines = [f"{'layer':<12}{'kept':>8}{'total':>10}{'weights':>9}{'biases':>8}{'inputs used':>13}"]
    for row in network.report():
        kept = row["kept_weights"] + row["kept_biases"]
        lines.append(
            f"{row['n_in']:>4} -> {row['n_out']:<4}{kept:>8,}{row['total']:>10,}{row['kept_weights']:>9,}"
            f"{row['kept_biases']:>8,}{row['inputs']:>6,} of {row['n_in']:<4,}"
        )
    higher = min(1.0, s["budget"] / s["total"] * 2.5)
    lines += [f"{'all':<12}{s['kept']:>8,}{s['total']:>10,}   density {s['density']:.4%}", ""]
    if "yardsticks" in s:
        from tinygsp.commands.train_table import table_lines

        lines += [*table_lines(s, network.meta.class_names), ""]
        following = f"python -m tinygsp.explain {out}"
    else:
        lines += [
            f"dense   validation {name}  {style.format(s['dense_val_accuracy'])}",
            f"pruned  validation {name}  {style.format(s['val_accuracy'])}",
            f"pruned  test {name}        {style.format(s['test_accuracy'])}",
        ]
        following = f"python -m tinygsp.train {s['dataset']} --density {higher:.2g}"
    lines += [f"doubt:  {line}" for line in s["doubts"]]
    lines += [
        f"model.npz {s['model_bytes']:,} bytes, {s['steps']:,} steps of {s['batch_size']}, {s['seconds']:.0f} s",
        "",
        f"figures: {out / 'figures'}",
        f"next:    {following}",
    ]
    return "\n".join(lines)
