"""Mutants: small wrong changes of Python source, one at a time, which `tests/mutate.py` shows to the tests.

`find_mutants` lists those of one file, `apply_mutant` makes one. What is changed: operators, comparisons, conditions,
numbers, truth values, axes, the order of arguments, and functions with an opposite (min and max); terms and statements
are dropped. What is not, because a change of it is another choice and no fault: texts, error messages, type hints,
decorators, default values, fields of classes, and named constants outside of `nn/`. `min` and its like do not care for
the order of their arguments.
"""

import ast
import copy
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

OTHER_OPERATOR = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip
OTHER_COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
PAIRS = ("min max", "minimum maximum", "argmin argmax", "any all", "zeros ones", "floor ceil", "exp log")
OPPOSITE = {a: b for pair in PAIRS for a, b in (pair.split(), pair.split()[::-1])}
COMMUTES = {"min", "max", "minimum", "maximum", "array_equal", "gcd", "add", "logical_and", "logical_or"}
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")
Change = tuple[str, ast.AST, ast.AST | str]  # kind, node, what takes its place


@dataclass(frozen=True)
class Mutant:
    """One change: in `file`, at `line` and `column` (from 1 and 0), the text `before` becomes `after`.

    Its line does not tell it from others, but that it is the `place`-th of its like in the file, from 0. So it is the
    same mutant after lines were added above it.
    """

    file: str
    kind: str
    before: str
    after: str
    place: int
    line: int = field(compare=False)
    column: int = field(compare=False)

    @property
    def title(self) -> str:
        """The mutant in one line, for people."""
        before, after = (" ".join(text.split()) for text in (self.before, self.after))
        return f"{self.file}:{self.line}: {self.kind}: {before} -> {after}"


def find_mutants(text: str, file: str) -> list[Mutant]:
    """All mutants of the source `text` of `file`, in the order of the source."""
    tree, found = ast.parse(text), []
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    for kind, node, replaced in _changes(tree, keeps_constants="/nn/" not in file):
        first, last = node.lineno - 1, node.end_lineno - 1
        parts = [*lines[first:last], lines[last][: node.end_col_offset]]  # columns are counted in bytes
        parts[0] = parts[0][node.col_offset :]
        before, column = b"".join(parts).decode(), len(lines[first][: node.col_offset].decode())
        after = replaced if isinstance(replaced, str) else _as_text(replaced)
        if after != _as_text(node):  # f(x, x) has no other order
            found.append((node.lineno, column, kind, before, after))
    mutants, seen = [], Counter()
    for line, column, *change in sorted(set(found), key=lambda m: (*m[:3], m[4])):
        mutants.append(Mutant(file, *change, seen[tuple(change)], line, column))
        seen[tuple(change)] += 1
    return mutants


def apply_mutant(text: str, mutant: Mutant) -> str:
    """The source with one change. Raises ValueError if what it changes is not there."""
    lines = text.splitlines(keepends=True)
    start = sum(map(len, lines[: mutant.line - 1])) + mutant.column
    if not text.startswith(mutant.before, start):
        raise ValueError(f"{mutant.title}: is not there; make the list of mutants anew")
    return text[:start] + mutant.after + text[start + len(mutant.before) :]


def _as_text(node: ast.AST) -> str:
    """The source of a node; an expression of several parts is in parentheses, so that it can stand anywhere."""
    text = ast.unparse(ast.fix_missing_locations(node))
    is_simple = isinstance(node, (ast.stmt, ast.Call, ast.Name, ast.Attribute, ast.Subscript))
    return text if is_simple or (isinstance(node, ast.Constant) and not text.startswith("-")) else f"({text})"


# --- where ---------------------------------------------------------------------------------------------------------


def _changes(node: ast.AST, keeps_constants: bool, in_class: bool = False) -> Iterator[Change]:
    """The changes of a node and of all below it that may be changed."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue  # type hints, decorators, default values
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_kept(child, node, keeps_constants, in_class):
                continue
            yield from _changes_here(child)
            if not isinstance(child, ast.Raise):
                yield from _changes(child, keeps_constants, isinstance(child, ast.ClassDef))


def _is_kept(child: ast.AST, parent: ast.AST, keeps_constants: bool, in_class: bool) -> bool:
    """Whether a node stays as it is, with all below it."""
    if isinstance(child, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "__name__ == '__main__'"):
        return True
    if not isinstance(child, (ast.Assign, ast.AnnAssign)):
        return False
    if isinstance(parent, ast.Module) and keeps_constants:
        targets = child.targets if isinstance(child, ast.Assign) else [child.target]
        return all(CONSTANT.fullmatch(name.strip()) for t in targets for name in ast.unparse(t).strip("()").split(","))
    return in_class and isinstance(parent, ast.ClassDef)


# --- what ----------------------------------------------------------------------------------------------------------


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """A copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _changes_here(node: ast.AST) -> Iterator[Change]:
    """The changes of this node alone."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)) or (isinstance(node, ast.comprehension) and node.ifs):
        test = node.ifs[0] if isinstance(node, ast.comprehension) else node.test
        if not isinstance(test, (ast.Compare, ast.UnaryOp)):
            yield "condition", test, ast.UnaryOp(ast.Not(), test)
    if isinstance(node, ast.AugAssign):
        yield "operator", node, _with(node, op=OTHER_OPERATOR.get(type(node.op), ast.Add)())
    if isinstance(node, (ast.AugAssign, ast.Raise)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "dropped", node, "pass"
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield "dropped", node, "return None"
    for kind in (_of_binary, _of_comparison, _of_logic, _of_constant, _of_call):
        yield from kind(node)


def _of_binary(node: ast.AST) -> Iterator[Change]:
    """Another operator, or one of the two terms alone."""
    if not isinstance(node, ast.BinOp) or any(_is_text(side) for side in (node.left, node.right)):
        return
    if other := OTHER_OPERATOR.get(type(node.op)):
        yield "operator", node, _with(node, op=other())
    yield "dropped", node, node.left
    yield "dropped", node, node.right


def _of_comparison(node: ast.AST) -> Iterator[Change]:
    """Another comparison: the one that differs where both sides are equal, and the opposite."""
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            for other in OTHER_COMPARISONS[type(operator)]:
                yield "comparison", node, _with(node, ops=[*node.ops[:k], other(), *node.ops[k + 1 :]])


def _of_logic(node: ast.AST) -> Iterator[Change]:
    """And for or and the reverse, a condition less, a `not` or a minus less."""
    if isinstance(node, ast.BoolOp):
        yield "logic", node, _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for k in range(len(node.values)):
            rest = node.values[:k] + node.values[k + 1 :]
            yield "dropped", node, rest[0] if len(rest) == 1 else _with(node, values=rest)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        yield "dropped", node, node.operand


def _of_constant(node: ast.AST) -> Iterator[Change]:
    """A neighbour of a whole number, the double of a fraction, the other truth value."""
    if not isinstance(node, ast.Constant):
        return
    if isinstance(node.value, bool):
        yield "constant", node, ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield from (("constant", node, ast.Constant(node.value + step)) for step in (1, -1))
    elif isinstance(node.value, float):
        yield "constant", node, ast.Constant(2 * node.value or 1.0)


def _of_call(node: ast.AST) -> Iterator[Change]:
    """Two neighbouring arguments in the other order, the opposite function. An axis is a constant."""
    if not isinstance(node, ast.Call):
        return
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if opposite := OPPOSITE.get(function):
        name = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield "function", node, _with(node, func=_with(node.func, **{name: opposite}))
    for k, (a, b) in enumerate(zip(node.args, node.args[1:])):
        if function not in COMMUTES and not any(isinstance(x, ast.Starred) for x in (a, b)):
            yield "arguments", node, _with(node, args=[*node.args[:k], b, a, *node.args[k + 2 :]])


def _is_text(node: ast.AST) -> bool:
    """Whether an operand is a text, so that + joins and * repeats."""
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
