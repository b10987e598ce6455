"""Build the interactive pages of the course: python .github/pages/build.py

Every page NAME has two files here, NAME.html (its body) and NAME.js, and maybe NAME.json, what `record.py` has
recorded for it. Together with the frame, the style and the kit that all share they become `lessons/pages/NAME.html`,
one file that loads nothing else.
"""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
OUT = HERE.parents[1] / "lessons" / "pages"
NAMES = sorted(path.stem for path in HERE.glob("*.html") if path.stem != "frame")


def read(name: str, otherwise: str = "") -> str:
    """Read a file of this folder, if there is one."""
    path = HERE / name
    return path.read_text(encoding="utf-8") if path.exists() else otherwise


def build(name: str) -> str:
    """Return the page as HTML."""
    body = read(f"{name}.html")
    parts = {
        "TITLE": re.search(r"<h1>(.*?)</h1>", body)[1],
        "STYLE": read("style.css"),
        "BODY": body,
        "DATA": read(f"{name}.json", "null").strip(),
        "KIT": read("kit.js").strip(),
        "SCRIPT": read(f"{name}.js").strip(),
    }
    return re.sub("@([A-Z]+)@", lambda match: parts[match[1]], read("frame.html"))


def main() -> None:
    """Write all pages."""
    OUT.mkdir(exist_ok=True)
    for name in NAMES:
        (OUT / f"{name}.html").write_text(build(name), encoding="utf-8")


if __name__ == "__main__":
    main()
