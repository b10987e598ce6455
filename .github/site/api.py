"""Write the reference of the package from its docstrings: a page for each room, read from the source, not imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from html import escape
from pathlib import Path

Definition = ast.FunctionDef | ast.ClassDef


def rooms(package: Path) -> list[str]:
    """List the rooms of the package that have something to tell, by name."""
    return sorted(path.parent.name for path in package.glob("*/__init__.py"))


def room(package: Path, name: str) -> str:
    """Write the page of a room: its modules, their public classes and functions."""
    files = sorted((package / name).rglob("*.py"), key=lambda path: (path.name != "__init__.py", path.as_posix()))
    return f"<h1>tinygsp.{name}</h1>\n" + "\n".join(module(package, file) for file in files)


def door(package: Path) -> str:
    """Write the first page: what `import tinygsp` offers, and the rooms."""
    names = "\n".join(
        f'<li><a href="{name}.html">tinygsp.{name}</a>: {escape(first_line(package / name / "__init__.py"))}</li>'
        for name in rooms(package)
    )
    return f"<h1>Reference</h1>\n{module(package, package / '__init__.py')}\n<h2>Rooms</h2>\n<ul>\n{names}\n</ul>"


def module(package: Path, file: Path) -> str:
    """Write one module; one without a public name is only named."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    path = file.relative_to(package.parent)
    title = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    parts = [f'<h2 id="{place(file)}">{title}</h2>', docstring(tree)]
    for node in public(tree):
        parts.append(definition(node, 3))
        if isinstance(node, ast.ClassDef):
            parts += [definition(method, 4) for method in public(node) if isinstance(method, ast.FunctionDef)]
    return "\n".join(parts)


def place(file: Path) -> str:
    """Return the name by which links find a module on the page of its room."""
    return f"{file.parent.name}-{file.stem}".replace("__init__", "room")


def public(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """List the public classes and functions of a module or class."""
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            yield child


def definition(node: Definition, level: int) -> str:
    """Write the signature and the docstring of a class, a function or a method."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        signature = f"class {node.name}" + f"({bases})" * bool(bases)
    else:
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        signature = f"{node.name}({ast.unparse(node.args)}){returns}"
    return f"<h{level}><code>{escape(signature)}</code></h{level}>\n{docstring(node)}"


def docstring(node: ast.Module | Definition) -> str:
    """Write a docstring as it is laid out."""
    text = ast.get_docstring(node)
    return f'<pre class="doc" tabindex="0">{escape(text)}</pre>' if text else ""


def first_line(file: Path) -> str:
    """Return the first line of the docstring of a module."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").partition("\n")[0]
