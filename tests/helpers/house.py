"""The rules of the house, as functions: each takes a Source, a parsed file of the package, and returns complaints.

A complaint is one line, "file:line: what is wrong". `tests/test_house.py` applies the rules to every file, and to
planted ones that break them. Where things are is read from the package itself: a method is a file in
`tinygsp/methods/` without a leading underscore; a phase is a class of `tinygsp/training/` whose `name` is a text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "tinygsp"
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FUNCTIONS = DEFINITIONS[:2]

# Floors from the top down: a room imports itself and rooms of floors below it. Rooms of one floor do not know each
# other. "" is tinygsp/__init__.py, the public door; "doors" are the other files directly in tinygsp/, the commands.
FLOORS = [
    [""], ["doors"], ["commands"], ["sweeping"], ["estimators"], ["plots", "page"], ["runs"], ["reading"],
    ["methods"], ["training"], ["sparse"], ["data", "nn"],
]  # fmt: skip
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

COMMANDS = ("train", "explain", "sweep", "bench", "export")  # the doors; each has modules in commands/

MAX_LINES = {"file": 350, "class": 150, "function": 60}
MAX_TEST_LINES = 500
KERNELS = "nn/kernels.py"  # one file on purpose, of loops that no helper can shorten: free of sizes and type hints


@dataclass(frozen=True)
class Source:
    """A Python file: its path below the package (or below tests/), as text with "/", and its content."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @property
    def room(self) -> str:
        """The room that the file belongs to."""
        top, *rest = self.path.split("/")
        if rest:
            return top
        return "" if top == "__init__.py" else "doors"

    @property
    def module(self) -> str:
        """The name it is imported by."""
        return ".".join([PACKAGE, *self.path.removesuffix(".py").split("/")]).removesuffix(".__init__")

    def complaint(self, node: ast.AST, what: str) -> str:
        """A complaint about a node of the tree."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {what}"


def read_folder(folder: Path) -> list[Source]:
    """Every Python file below a folder."""
    return [
        Source(path.relative_to(folder).as_posix(), path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.py"))
        if "__pycache__" not in path.parts
    ]


# --- imports ------------------------------------------------------------------------------------------------


def imported(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """(node, dotted name) of everything a file imports, wherever in the file, as far down as it is named.

    `from tinygsp import data` is "tinygsp.data"; a text that is such a name counts too, for it may be imported by it.
    """
    is_package = source.path.endswith("__init__.py")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = source.module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, *([node.module] if node.module else [])])
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)
        elif is_text(node) and re.fullmatch(rf"{PACKAGE}(\.\w+)+", node.value):
            yield node, node.value


def is_text(node: ast.AST | None) -> bool:
    """Whether a node is a text in quotes."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def check_imports(source: Source) -> list[str]:
    """Imports go down, floor by floor; a command imports nothing of another command."""
    complaints = []
    for node, name in imported(source):
        top, _, rest = name.partition(".")
        if top != PACKAGE:
            continue
        room = rest.split(".")[0]
        if room in COMMANDS:
            room = "doors"
        target = room if room in FLOOR else ""
        if target != source.room and FLOOR[target] <= FLOOR[source.room]:
            complaints.append(source.complaint(node, f"imports {name}, which is not below {source.room or 'itself'}"))
        own, other = command_of(source.module), command_of(name)
        if other and source.room == "commands" and other != own:
            complaints.append(source.complaint(node, f"imports {name}, which belongs to another command"))
    return complaints


def command_of(module: str) -> str:
    """The command that a module of `commands/` belongs to, by the first word of its name; "" if several share it."""
    parts = module.split(".")
    word = parts[2].split("_")[0] if parts[:2] == [PACKAGE, "commands"] and len(parts) > 2 else ""
    return word if word in COMMANDS else ""


def check_drawing(source: Source) -> list[str]:
    """Only plots and page import matplotlib."""
    return [
        source.complaint(node, f"imports {name}; only plots and page draw")
        for node, name in imported(source)
        if name.split(".")[0] == "matplotlib" and source.room not in ("plots", "page")
    ]


# --- sizes --------------------------------------------------------------------------------------------------


def check_sizes(source: Source) -> list[str]:
    """No file, class or function is longer than MAX_LINES, docstring included, decorators not."""
    if source.path == KERNELS:
        return []
    sizes = [(source.tree, "file", source.path, len(source.text.splitlines()))]
    for node in ast.walk(source.tree):
        if isinstance(node, DEFINITIONS):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            sizes.append((node, kind, node.name, node.end_lineno - node.lineno + 1))
    return [
        source.complaint(node, f"{kind} {name} has {lines} lines, at most {MAX_LINES[kind]}")
        for node, kind, name, lines in sizes
        if lines > MAX_LINES[kind]
    ]


# --- methods and phases -------------------------------------------------------------------------------------

# What may name a method or a phase as data, and why: (file, name of the module's constant).
DATA = {
    ("methods/__init__.py", "DEFAULT"): "the project's own method",
    ("runs/restoring.py", "PHASES_OF_FORMAT_1"): "the phases that an old checkpoint numbers",
}
# Words that are the name of a phase and mean something else here: (file, word).
OTHER_MEANINGS = {
    ("commands/bench/steps.py", "dense"): "a layer that is a full matrix",
    ("commands/bench/report.py", "dense"): "a layer that is a full matrix",
    ("commands/bench/peers.py", "dense"): "a network of full matrices",
    ("plots/run.py", "gates"): "the figure gates.png, of the gates of the network",
}
NOT_ENGLISH = {"l0", "vd", "snip", "lottery", "finetune", "rewire"}  # these mean the method or the phase in any text


def method_files(sources: list[Source]) -> dict[str, str]:
    """{name: file} of every method."""
    paths = [source.path for source in sources if source.room == "methods"]
    names = {path: Path(path).stem for path in paths}
    return {name: path for path, name in names.items() if not name.startswith("_")}


def phase_classes(sources: list[Source]) -> dict[str, tuple[str, str]]:
    """{name: (file, class)} of every phase."""
    return {
        name.value: (source.path, node.name)
        for source in sources
        if source.room == "training"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and (name := text_called_name(node)) and name.value
    }


def text_called_name(node: ast.ClassDef) -> ast.Constant | None:
    """The text that the body of a class assigns to `name`."""
    for line in node.body:
        if isinstance(line, ast.Assign) and [getattr(t, "id", "") for t in line.targets] == ["name"]:
            return line.value if is_text(line.value) else None
    return None


def check_names(source: Source, methods: dict[str, str], phases: dict[str, tuple[str, str]]) -> list[str]:
    """No method or phase is named in code outside its own file, but as data.

    Named is: a text (no docstring) that equals the name or, where the name is no English word, contains it as a word;
    an import of the file of a method or a phase; an import of the class of a phase. A phase may also be named in
    methods/, because a method says which phases it has, and training/__init__.py offers it. Data is what DATA lists;
    comments, docstrings and the fields of Settings are free.
    """
    owners = {**methods, **{name: path for name, (path, _) in phases.items()}}
    may_name_phases = source.room == "methods" or source.path == "training/__init__.py"
    others = {name: path for name, path in owners.items() if path != source.path}
    others = {name: path for name, path in others.items() if name in methods or not may_name_phases}

    free, complaints = free_texts(source), []
    for node in ast.walk(source.tree):
        if is_text(node) and node not in free:
            found = {node.value} | (set(re.findall(r"\w+", node.value)) & NOT_ENGLISH)
            for name in sorted(found & others.keys()):
                if (source.path, name) not in OTHER_MEANINGS:
                    complaints.append(source.complaint(node, f"names {name!r}, which only {owners[name]} may"))
    homes = {Source(path, "").module: name for name, path in others.items()}
    homes |= {f"{PACKAGE}.training.{phases[name][1]}": name for name in phases.keys() & others.keys()}
    for node, module in imported(source):
        for home, name in homes.items():
            if module == home or module.startswith(home + "."):
                complaints.append(source.complaint(node, f"imports {module}, of {name!r}"))
    return complaints


def free_texts(source: Source) -> set[ast.AST]:
    """The texts that may name anything: docstrings and other bare texts, and the constants that DATA lists."""
    free = {node.value for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    for line in source.tree.body:
        names = [getattr(target, "id", "") for target in getattr(line, "targets", [])]
        if any((source.path, name) in DATA for name in names):
            free |= set(ast.walk(line))
    return free


# --- hints and arguments ------------------------------------------------------------------------------------


def check_hints(source: Source) -> list[str]:
    """Public functions and methods, and __init__, have type hints for every argument and for what they return.

    What a private class or a function holds inside is not public; __init__ may leave out that it returns None.
    """
    return [] if source.path == KERNELS else list(missing_hints(source, source.tree))


def missing_hints(source: Source, parent: ast.Module | ast.ClassDef) -> Iterator[str]:
    for node in parent.body:
        if not isinstance(node, DEFINITIONS) or (node.name.startswith("_") and node.name != "__init__"):
            continue
        if isinstance(node, ast.ClassDef):
            yield from missing_hints(source, node)
            continue
        given = node.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        decorators = {getattr(decorator, "id", "") for decorator in node.decorator_list}
        if isinstance(parent, ast.ClassDef) and "staticmethod" not in decorators:
            arguments = arguments[1:]  # self or cls
        arguments += [extra for extra in (given.vararg, given.kwarg) if extra]
        missing = [argument.arg for argument in arguments if argument.annotation is None]
        if node.returns is None and node.name != "__init__":
            missing.append("return")
        if missing:
            yield source.complaint(node, f"{node.name} has no type hint for {', '.join(missing)}")


def check_arguments(source: Source) -> list[str]:
    """No module is passed to a function, and nothing is written into parsed arguments."""
    modules, complaints = imported_modules(source), []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", "")
            for value in [*node.args, *(keyword.value for keyword in node.keywords)]:
                name = getattr(value, "id", "")
                if name in modules and called not in ("getattr", "hasattr", "vars", "dir"):
                    complaints.append(source.complaint(node, f"passes the module {name} to a function"))
            if called == "setattr" and getattr(node.args[0], "id", "") == "args":
                complaints.append(source.complaint(node, "writes into args"))
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        for target in targets if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) else []:
            if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "args":
                complaints.append(source.complaint(node, f"writes args.{target.attr}"))
    return complaints


def imported_modules(source: Source) -> set[str]:
    """The names in a file that stand for modules: of `import x`, and of rooms and files of the package."""
    names = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            folder = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                is_file = (folder / alias.name / "__init__.py").exists() or (folder / f"{alias.name}.py").exists()
                if is_file and not is_offered(folder / "__init__.py", alias.name):
                    names.add(alias.asname or alias.name)
    return names


def is_offered(file: Path, name: str) -> bool:
    """Whether the __init__.py of a folder offers something else of a name than the file of that name."""
    return any(
        isinstance(node, ast.ImportFrom) and name in [alias.asname or alias.name for alias in node.names]
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
    )


# --- tests --------------------------------------------------------------------------------------------------


def check_test(source: Source) -> list[str]:
    """A test file has at most MAX_TEST_LINES lines and imports from no other test file; only helpers are packages."""
    complaints = []
    lines = len(source.text.splitlines())
    if lines > MAX_TEST_LINES:
        complaints.append(f"{source.path}:1: {lines} lines, at most {MAX_TEST_LINES}")
    for node, name in imported(source):
        if any(part.startswith("test_") for part in name.split(".")[:-1] or [name]) or name.startswith("test_"):
            complaints.append(source.complaint(node, f"imports {name}, of another test file"))
    if source.path.endswith("__init__.py") and not source.path.startswith("helpers/"):
        complaints.append(f"{source.path}:1: a folder of tests is no package")
    return complaints
