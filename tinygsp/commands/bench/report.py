"""Write the results of a benchmark as tables and as a picture. Both work on what bench.json holds."""

from __future__ import annotations

from tinygsp import plots
from tinygsp.commands.bench.aims import aims_table


def report(results: dict) -> str:
    """Return the tables, as text for the terminal."""
    m = results["machine"]
    versions = f"Python {m['python']}, NumPy {m['numpy']} ({m['blas']}), numba {m['numba']}"
    lines = [f"{m['cpu']}, {m['cores']} cores, one thread; {versions}; medians"]
    lines += ["", *kernel_lines(results["kernels"])]
    lines += ["", *step_lines(results["steps"], results["batch"], results.get("run"))]
    lines += ["", *switch_lines(results["switch"])]
    lines += ["", *inference_lines(results["inference"])]
    if growth := results.get("growth"):
        lines += ["", *growth_lines(growth)]
    lines += ["", *(f"not compared: {name} ({reason})" for name, reason in results["missing"].items())]
    return "\n".join(lines).rstrip()


def markdown(results: dict) -> str:
    """Return the same tables in Markdown, and one of what was aimed at: the text of a page about speed."""
    return f"```\n{report(results)}\n```\n\n{aims_table(results)}"


def kernel_lines(rows: list[dict]) -> list[str]:
    """Write the table of kernels and their NumPy twins."""
    lines = [f"{'kernel':<24}{'ns/element':>12}{'NumPy twin':>12}{'ratio':>8}"]
    for row in rows:
        ratio = row["numpy"] / row["kernel"]
        lines.append(f"{row['name']:<24}{row['kernel']:>12.3f}{row['numpy']:>12.3f}{ratio:>8.1f}")
    return lines


def step_lines(steps: dict[str, float], batch: int, run: dict | None) -> list[str]:
    """Write the table of training steps; with the summary of a run, its mean step and what it is faster than."""
    floor = steps["products"]
    lines = [f"{f'training step, batch {batch}':<32}{'ms':>10}{'x products':>12}"]
    lines += [f"{name:<32}{ms:>10.3f}{ms / floor:>12.3f}" for name, ms in steps.items()]
    if run:
        mean = 1e3 * run["seconds"] / run["steps"]
        lines.append(f"{'mean over the whole run':<32}{mean:>10.3f}{mean / floor:>12.3f}")
        for name, ms in steps.items():
            if name.startswith("PyTorch"):
                lines.append(f"  {ms / mean:.0f} times faster than {name}")
    return lines


def switch_lines(rows: list[dict]) -> list[str]:
    """Write the table of one layer as a matrix and as a list of connections."""
    lines = [f"{'one layer, share of it live':<32}{'dense, ms':>10}{'list, ms':>12}{'ratio':>8}"]
    for row in rows:
        ratio = row["list"] / row["dense"]
        lines.append(f"{row['live']:<32.1f}{row['dense']:>10.3f}{row['list']:>12.3f}{ratio:>8.2f}")
    return lines


def inference_lines(inference: dict) -> list[str]:
    """Write the table of images a second, the fastest first."""
    rates = inference["images a second"]
    title = f"inference, {inference['kept']} parameters"
    lines = [f"{title:<58}{'images/s':>12}{'ratio':>8}"]
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        lines.append(f"{name:<58}{rate:>12,.0f}{rates['pruned, tinygsp'] / rate:>8.2f}")
    lines.append(f"one image at a time: {inference['one image, microseconds']:.1f} microseconds")
    return lines


def growth_lines(growth: dict[str, dict[str, float]]) -> list[str]:
    """Write the table of steps of wider networks: a column for each, a row for what was timed of all."""
    columns = growth.values()
    names = [name for name in next(iter(columns)) if all(name in column for column in columns)]
    lines = [f"{'ms a step, hidden layers':<32}" + "".join(f"{hidden:>12}" for hidden in growth)]
    lines += [f"{name:<32}" + "".join(f"{column[name]:>12.3f}" for column in columns) for name in names]
    return lines


def pictures(results: dict) -> dict[str, bytes]:
    """Draw the results as PNG and as SVG, {file name: bytes}."""
    return plots.files("bench", plots.speed_figure(results))
