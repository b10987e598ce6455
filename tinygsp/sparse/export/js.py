"""A JavaScript module without dependencies, for a browser or Node.js: the lists of a Program, and one loop."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tinygsp.sparse.export.comment import number_lines
from tinygsp.sparse.export.program import Program

CODE = """\
export const classes = {classes};
{tables}
// The scores of an input, an array of {n_in} numbers: a Float64Array of {n_out}.
export function scores(x) {{
  if (x.length !== {n_in}) throw new RangeError(`the input has ${{x.length}} numbers, expected {n_in}`);
{scaling}  const z = new Float64Array({units});
  for (let unit = 0, e = 0; unit < {units}; unit++) {{
    let sum = bias[unit];
    for (const end = e + fanIn[unit]; e < end; e++) sum += weight[e] * (e < {n_first} ? {source}[pixel[e]] : z[source[e - {n_first}]]);
    z[unit] = unit < {hidden} ? {active} : sum;
  }}
  return z.slice({hidden});
}}
"""  # noqa: E501
SCALING = """\
  const v = column.map((j, k) => {
    const scaled = (x[j] - mean[k]) * factor[k];
    return bent[k] ? Math.asinh(scaled) : scaled;
  });
"""
PREDICT = """
// The class of an input, a number; classes has their names.
export function predict(x) {
  return scores(x).reduce((best, score, k, all) => (score > all[best] ? k : best), 0);
}
"""


def write(program: Program, comment: Sequence[str]) -> str:
    """The module, as text."""
    classes = program.task == "classification"
    names = "predict, scores, classes" if classes else "scores, classes"
    lines = [*comment, "", "How to use it: save it as network.mjs;", ""]
    lines.append(f'  import {{ {names} }} from "./network.mjs";')
    if classes:
        lines.append(f"  classes[predict(x)]   x: an array of {program.n_in} numbers")
    tables = {"pixel": program.pixel, "source": program.unit, "fanIn": program.fan_in}
    numbers = {name: list(map(str, values.tolist())) for name, values in tables.items()}
    numbers |= {"weight": list(map(str, program.weight)), "bias": list(map(str, program.bias))}
    scaling, source = "", "x"
    if c := program.columns:
        tables = {"column": c.column, "mean": c.mean, "factor": c.factor, "bent": c.bent.astype(int)}
        numbers |= {name: list(map(repr, values.tolist())) for name, values in tables.items()}
        scaling, source = SCALING, "v"
    code = CODE.format(
        scaling=scaling,
        source=source,
        classes=quoted(program.class_names),
        tables="".join(f"const {name} = [\n{number_lines(values)}\n];\n" for name, values in numbers.items()),
        n_in=program.n_in,
        n_out=program.n_out,
        units=len(program.bias),
        hidden=program.hidden,
        n_first=len(program.pixel),
        active="sum / (1 + Math.exp(-sum))" if program.activation == "silu" else "Math.max(sum, 0)",
    )
    head = "/*\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"
    return head + code + (PREDICT if classes else "")


def quoted(texts: Sequence[str]) -> str:
    """Texts as an array of JavaScript, in ASCII; "<" is escaped, so that none can end a script element."""
    return json.dumps(list(texts)).replace("<", "\\u003c")
