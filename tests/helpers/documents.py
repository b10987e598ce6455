"""Read the documents: README.md, CONTRIBUTING.md and the README files of the folders."""

import csv
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md", "lessons/README.md", "tests/README.md",
    "tinygsp/README.md",
]  # fmt: skip


def read(name):
    """The text of a document, by its path from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def fenced(text, language):
    """The contents of the fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


def without_fences(text):
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def headings(text):
    """[(level, heading)] of a text, in order."""
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.*)$", without_fences(text), re.M)]


def anchor(heading):
    """The name by which a link finds a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(text, heading):
    """The part of a text from a heading to the next one of the same or a higher level; line ends become blanks."""
    level, start = next((len(m[1]), m.end()) for m in re.finditer(r"^(#+) (.*)$", text, re.M) if m[2] == heading)
    rest = text[start:]
    end = re.search(rf"^#{{1,{level}}} ", rest, re.M)
    return " ".join(rest[: end.start() if end else None].split())


def sweep_table(folder):
    """The rows of data/sweeps/folder/table.csv as dicts; all values are numbers but for `data` and `method`."""
    with open(ROOT / "data" / "sweeps" / folder / "table.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [{k: v if k in ("data", "method") else float(v) for k, v in row.items()} for row in rows]
