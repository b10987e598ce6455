"""C: a file of C99 that needs nothing but math.h, or in fixed point nothing at all, and takes no memory but its stack.

The numbers are `const` tables, which a linker puts into flash memory; the code is one loop over the units. Every table
has the smallest type that holds its numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygsp.sparse.export.comment import number_lines
from tinygsp.sparse.export.fixed import COLUMN, MOST_COLUMN, STEPS, TOP, Fixed
from tinygsp.sparse.export.program import Program

LOOP = """\
void {name}_scores(const {type} *x, {score} *scores)
{{
{declarations}    int unit, left;
    {index} e = 0;

{scaling}    for (unit = 0; unit < {units}; unit++) {{
        {number} {sum};
        for (left = {name}_fan_in[unit]; left > 0; left--, e++)
            sum += {name}_weight[e] * {source};
{output}    }}
}}
"""

SCALING = """\
    for (unit = 0; unit < {count}; unit++) {{
        v[unit] = ((x[{name}_column[unit]] - {name}_mean[unit]) - {name}_rest[unit]) * {name}_factor[unit];
{bent}    }}
"""

SILU = """\
/* a * sigmoid(a), both in units of 1/{one}; the sigmoid is read from the table, and between two entries on a line */
static int32_t {name}_silu(int32_t a)
{{
    int32_t size = a < 0 ? -a : a, k = size / {step}, s = {name}_sigmoid[{steps}];

    if (k < {steps})
        s = {name}_sigmoid[k] + ({name}_sigmoid[k + 1] - {name}_sigmoid[k]) * (size % {step}) / {step};
    if (a < 0)
        s = {top} - s;
    return (int32_t)((int64_t)a * s / {top});
}}
"""

FIXED_SCALING = """\
    for (unit = 0; unit < {count}; unit++) {{
        u = ((x[{name}_column[unit]] - {name}_mean[unit]) - {name}_rest[unit]) * {name}_factor[unit];
{bent}        u *= {column}.0f;
        v[unit] = u >= {most}.0f ? {most} : u > -{most}.0f ? (int32_t)(u < 0 ? u - 0.5f : u + 0.5f) : -{most};
    }}
"""

PREDICT = """\
int {name}_predict(const {type} *x)
{{
    {number} scores[{n_out}];
    int k, best = 0;

    {name}_scores(x, scores);
    for (k = 1; k < {n_out}; k++)
        if (scores[k] > scores[best])
            best = k;
    return best;
}}
"""

MAIN = """\
int main(void)
{{
    static {type} x[{n_in}];
    size_t n;

#ifdef _WIN32
    _setmode(_fileno(stdin), _O_BINARY);
#endif
    while ((n = fread(x, 1, sizeof x, stdin)) == sizeof x) {{
{each}    }}
    if (ferror(stdin)) {{
        perror("standard input");
        return 1;
    }}
    if (n > 0) {{
        fprintf(stderr, "the last sample is cut short: it has %lu bytes, each needs %lu\\n", (unsigned long)n,
                (unsigned long)sizeof x);
        return 1;
    }}
    if (fflush(stdout) != 0 || ferror(stdout)) {{
        perror("standard output");
        return 1;
    }}
    return 0;
}}
"""


def write(program: Program, comment: Sequence[str], name: str, main: bool, fixed: Fixed | None = None) -> str:
    """The file, as text; with `fixed`, in fixed point.

    name : str    how the names of functions and tables begin
    main : bool   whether to add a program that reads samples from standard input
    """
    classes = program.task == "classification"
    headers = ["math.h"] * needs_math(program, fixed) + ["stdint.h"] + ["stdio.h"] * main
    parts = [
        block([*comment, *usage(program, name, main, fixed)]),
        "".join(f"#include <{header}>\n" for header in headers),
    ]
    if main:
        parts.append("#ifdef _WIN32\n#include <fcntl.h>\n#include <io.h>\n#endif\n")
    parts += tables(program, name, fixed)
    parts.append(loop(program, name, fixed))
    options = {"name": name, "type": input_type(program), "number": score_type(fixed)}
    options |= {"n_in": program.n_in, "n_out": program.n_out}
    if classes:
        parts.append(PREDICT.format(**options))
    if main:
        if classes:
            names = ",\n    ".join(map(quoted, program.class_names))
            parts.append(f"static const char *const {name}_classes[{program.n_out}] = {{\n    {names}\n}};\n")
        parts.append(MAIN.format(**options, each=print_lines(program, name, fixed)))
    return "\n".join(parts)


def usage(program: Program, name: str, main: bool, fixed: Fixed | None) -> list[str]:
    """What the comment says about how to call the functions."""
    x, number = input_type(program), score_type(fixed)
    lines = ["", "How to call it, from another file:", ""]
    if program.task == "classification":
        lines.append(f"  int {name}_predict(const {x} *x);                 number of the class of x[{program.n_in}]")
    lines.append(f"  void {name}_scores(const {x} *x, {number} *scores);  writes scores[{program.n_out}]")
    if fixed and fixed.output is not None:
        lines += ["", "Columns are scaled in floating point, and so are the sums of the outputs; all between has whole"]
        lines.append(f"numbers. A column counts up to {MOST_COLUMN // COLUMN} of its spreads. No sum can overflow.")
    elif fixed:
        lines += ["", f"A score is in units of 1/{2**fixed.bits}. No sum can overflow, whatever the input."]
    library = " -lm" * needs_math(program, fixed)
    if main:
        size = program.n_in * (1 if program.reads_bytes else 4)
        what = "bytes" if program.reads_bytes else "bytes, floats of 4 bytes in the order of this machine"
        prints = "the name of its class" if program.task == "classification" else "its values"
        lines += ["", f"As a program it reads samples of {size} {what}, from standard input until its end,"]
        lines += [f"and prints for each one {prints} on a line of its own:"]
        lines += ["", f"  cc -std=c99 -O2 {name}.c -o {name}{library} && ./{name} < samples"]
    elif library:
        lines += ["", "Link with -lm."]
    return lines


def needs_math(program: Program, fixed: Fixed | None) -> bool:
    """Whether the functions call the mathematical library."""
    has_silu = program.activation == "silu" and program.hidden > 0
    return (has_silu and not fixed) or (program.columns is not None and bool(program.columns.bent.any()))


def input_type(program: Program) -> str:
    """The type in C of a number of the input."""
    return "uint8_t" if program.reads_bytes else "float"


def number_type(fixed: Fixed | None) -> str:
    """The type in C of a sum and an activation."""
    return "int32_t" if fixed else "float"


def score_type(fixed: Fixed | None) -> str:
    """The type in C of a score."""
    return "int32_t" if fixed and fixed.output is None else "float"


def block(lines: Sequence[str]) -> str:
    """Lines as a comment of C."""
    return "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


# --- tables -------------------------------------------------------------------------------------------------


def tables(program: Program, name: str, fixed: Fixed | None) -> list[str]:
    """The numbers of the network, a table each."""
    which = "input" if program.columns is None else "scaled column"
    found = [
        *column_tables(program, name),
        whole_table(f"{name}_pixel", program.pixel, f"which {which} each connection of the first layer reads"),
        whole_table(f"{name}_fan_in", program.fan_in, "how many connections each unit has, outputs last"),
    ]
    if program.hidden:
        found.append(whole_table(f"{name}_unit", program.unit, "which unit each other connection reads"))
    if not fixed:
        weights, biases = (list(map(literal, values)) for values in (program.weight, program.bias))
        return found + [table("float", f"{name}_weight", weights, ""), table("float", f"{name}_bias", biases, "")]
    found.append(whole_table(f"{name}_weight", fixed.weight, "of each connection, in units of its unit"))
    whole = slice(None) if fixed.output is None else slice(program.hidden)
    if fixed.scale[whole].size:
        note = f"of each unit: what a weight of 1 is, times {2**fixed.shift}"
        found.append(whole_table(f"{name}_scale", fixed.scale[whole], note))
        found.append(whole_table(f"{name}_bias", fixed.bias[whole], f"in units of 1/{2**fixed.bits}"))
    if fixed.output is not None:
        offset = program.bias[program.hidden :]
        found.append(table("float", f"{name}_output", list(map(literal, fixed.output)), "a score: its sum times this"))
        found.append(table("float", f"{name}_offset", list(map(literal, offset)), "and this"))
    if program.hidden and program.activation == "silu":
        note = f"the sigmoid of 0, 1/{STEPS // 8}, ... to 8, times {TOP}"
        found.append(whole_table(f"{name}_sigmoid", fixed.sigmoid, note))
    return found


def column_tables(program: Program, name: str) -> list[str]:
    """How columns are scaled, if each has its own scale. What float32 drops of a mean stands in a second table."""
    if program.columns is None:
        return []
    c = program.columns
    mean = c.mean.astype(np.float32)
    found = [whole_table(f"{name}_column", c.column, "the columns that are read, and how they are scaled")]
    for part, values in (("mean", mean), ("rest", c.mean - mean), ("factor", c.factor)):
        found.append(table("float", f"{name}_{part}", list(map(literal, values.astype(np.float32))), ""))
    if c.bent.any():
        found.append(whole_table(f"{name}_bent", c.bent.astype(int), "1 where asinh follows"))
    return found


def whole_table(name: str, values: np.ndarray, note: str) -> str:
    """A table of whole numbers in the smallest type that holds them."""
    low, high = int(values.min()), int(values.max())
    kinds = {"uint8_t": (0, 2**8), "int8_t": (-(2**7), 2**7), "uint16_t": (0, 2**16), "int16_t": (-(2**15), 2**15)}
    kind = next((kind for kind, (least, end) in kinds.items() if least <= low and high < end), "int32_t")
    return table(kind, name, list(map(str, values.tolist())), note)


def table(kind: str, name: str, numbers: list[str], note: str) -> str:
    """A table of numbers that are written already."""
    above = f"/* {note} */\n" if note else ""
    return f"{above}static const {kind} {name}[{len(numbers)}] = {{\n{number_lines(numbers)}\n}};\n"


def literal(value: np.float32) -> str:
    """A float32 as a float of C that has exactly its value."""
    text = str(value)
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def quoted(text: str) -> str:
    """A text as a string of C: UTF-8, with an escape for everything that is not a plain letter."""
    plain = set(b" !#$%&'()*+,-./0123456789:;<=>@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~")
    return '"' + "".join(chr(byte) if byte in plain else f"\\{byte:03o}" for byte in text.encode()) + '"'


# --- code ---------------------------------------------------------------------------------------------------


def loop(program: Program, name: str, fixed: Fixed | None) -> str:
    """The function that computes the scores, with what it needs before it."""
    hidden, n_first = program.hidden, len(program.pixel)
    number, declarations, scaling = number_type(fixed), "", ""
    source = f"x[{name}_pixel[e]]"
    if program.columns is not None:
        count, source = len(program.columns.column), f"v[{name}_pixel[e]]"
        target = "u" if fixed else "v[unit]"
        bent = f"        if ({name}_bent[unit])\n            {target} = asinhf({target});\n"
        scaling = (FIXED_SCALING if fixed else SCALING).format(
            name=name, count=count, bent=bent * bool(program.columns.bent.any()), column=COLUMN, most=MOST_COLUMN
        ) + "\n"  # fmt: skip
        declarations = f"    {number} v[{count}];\n" + "    float u;\n" * bool(fixed)
    if hidden:
        first = f"(float){source}" if program.reads_bytes and not fixed else source
        source = f"(e < {n_first} ? {first} : z[{name}_unit[e - {n_first}]])"
        declarations += f"    {number} z[{hidden}] = {{0}};\n"
    code = LOOP.format(
        name=name,
        type=input_type(program),
        number=number,
        score=score_type(fixed),
        declarations=declarations,
        scaling=scaling,
        index="int" if len(program.weight) < 2**15 else "long",
        units=len(program.bias),
        sum="sum = 0" + ", a" * (bool(hidden) or fixed.output is None) if fixed else f"sum = {name}_bias[unit]",
        source=source,
        output=output_lines(program, name, fixed),
    )
    if fixed and hidden and program.activation == "silu":
        one = 2**fixed.bits
        code = SILU.format(name=name, one=one, step=one * 8 // STEPS, steps=STEPS, top=TOP) + "\n" + code
    return code


def output_lines(program: Program, name: str, fixed: Fixed | None) -> str:
    """What the loop does with the sum of a unit."""
    hidden, is_silu = program.hidden, program.activation == "silu"
    lines, total = [], "sum"
    if fixed:
        scaled = f"(int32_t)((int64_t)sum * {name}_scale[unit] / {2**fixed.shift})"
        lines, total = [f"a = {scaled} + {name}_bias[unit];"], "a"
        active = f"{name}_silu(a)" if is_silu else "a > 0 ? a : 0"
        if fixed.output is not None:
            return column_output_lines(name, hidden, lines[0], active)
    else:
        active = "sum / (1.0f + expf(-sum))" if is_silu else "sum > 0.0f ? sum : 0.0f"
    if hidden:
        lines += [f"if (unit < {hidden})", f"    z[unit] = {active};", "else"]
        lines.append(f"    scores[unit - {hidden}] = {total};")
    else:
        lines.append(f"scores[unit] = {total};")
    return "".join(f"        {line}\n" for line in lines)


def column_output_lines(name: str, hidden: int, to_units: str, active: str) -> str:
    """The same in fixed point where inputs and scores are floats; `to_units` turns the sum into a."""
    k = f"unit - {hidden}" if hidden else "unit"
    lines = [f"scores[{k}] = (float)sum * {name}_output[{k}] + {name}_offset[{k}];"]
    if hidden:
        lines = [f"if (unit < {hidden}) {{", f"    {to_units}", f"    z[unit] = {active};", "} else", f"    {lines[0]}"]
    return "".join(f"        {line}\n" for line in lines)


def print_lines(program: Program, name: str, fixed: Fixed | None) -> str:
    """What main does with each sample."""
    if program.task == "classification":
        return f"        puts({name}_classes[{name}_predict(x)]);\n"
    value = f"scores[k] / {2**fixed.bits}.0" if score_type(fixed) != "float" else "scores[k]"
    return (
        f"        {score_type(fixed)} scores[{program.n_out}];\n        int k;\n\n        {name}_scores(x, scores);\n"
        f"        for (k = 0; k < {program.n_out}; k++)\n"
        f"            printf(\"%.9g%c\", {value}, k < {program.n_out - 1} ? ' ' : '\\n');\n"
    )
