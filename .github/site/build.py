"""Build the site: python .github/site/build.py OUT RUN [--repository ADDRESS]

OUT gets the landing page, the page to draw on, the lessons with their outputs, the results, the documents and the
reference. RUN is the folder of a run on MNIST that `python -m tinygsp.explain` has read; its explorer.html becomes the
page to draw on. Nothing is fetched, and no page loads anything from elsewhere.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
from html import escape, unescape
from pathlib import Path, PurePosixPath

import api
import documents

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
POLICY = "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
FIGURES = ".github/figures"
MENU = {
    "Start": "index.html", "Draw": "demo.html", "Lessons": "lessons/index.html", "Results": "data/index.html",
    "Guide": "tinygsp/index.html", "Reference": "api/index.html",
}  # fmt: skip
LINK = re.compile(r'(<(?:a|img|source)\b[^>]*?\s(?:href|src|srcset)=")([^"]*)(")')
TEXTS = {".py", ".csv", ".json", ".txt", ".toml", ".yml", ".md", ""}  # files that a link may show as text


class Site:
    """The pages that there are, and where a file of the repository is among them.

    pages : {path in the repository: path in the site}
    """

    def __init__(self, out: Path, repository: str) -> None:
        self.out, self.repository = out, repository.rstrip("/")
        self.pages = {
            **{f"{path.name}": f"{path.stem.lower()}.html" for path in ROOT.glob("*.md")},
            **{
                f"{path.parent.name}/README.md": f"{path.parent.name}/index.html"
                for path in ROOT.glob("[!.]*/README.md")
            },
            **{f"lessons/{path.name}": f"lessons/{path.stem}.html" for path in ROOT.glob("lessons/*.ipynb")},
        }
        self.copies = [path for path in (ROOT / FIGURES).glob("*.*") if path.suffix in (".png", ".svg", ".webp")]
        self.copies += [path for path in (ROOT / "lessons" / "pages").rglob("*") if path.is_file()]

    def find(self, target: str, source: str) -> str | None:
        """Find where a link in a file of the repository leads: an address from the root of the site, or elsewhere.

        target : as it is written;  source : path of the file in the repository

        None: it is there, but no page shows it. A file of the package leads to its place in the reference; other texts
        are copied. Raises ValueError if nothing is there.
        """
        if re.match(r"[a-z]+:", target):
            return target
        path, _, place = target.partition("#")
        if not path:
            return f"#{place}"
        name = os.path.normpath(PurePosixPath(source).parent / path).replace(os.sep, "/")
        file, suffix = ROOT / name, f"#{place}" if place else ""
        if not file.exists():
            raise ValueError(f"the link to {target} leads nowhere")
        if name in self.pages:
            return self.pages[name] + suffix
        if f"{name}/README.md" in self.pages:
            return self.pages[f"{name}/README.md"] + suffix
        if file in self.copies:
            return name.replace(FIGURES, "figures")
        parts = PurePosixPath(name).parts
        if parts[0] == "tinygsp" and len(parts) > 2 and file.suffix == ".py":
            return f"api/{parts[1]}.html#{api.place(file)}"
        if parts[0] == "tinygsp" and len(parts) > 1 and (ROOT / "tinygsp" / parts[1] / "__init__.py").exists():
            return f"api/{parts[1]}.html"
        if self.repository and file.exists():
            return f"{self.repository}/blob/main/{name}"
        if file.is_file() and file.suffix in TEXTS:
            self.write(f"source/{name}.txt", file.read_bytes())
            return f"source/{name}.txt"
        return None

    def links(self, html: str, source: str, page: str) -> str:
        """Lead the links of a page, made from the file `source`, to pages; what no page shows becomes plain text."""

        def lead(match: re.Match) -> str:
            found = self.find(unescape(match[2]), source)
            if found is None:
                return match[1].replace("href=", "data-file=") + match[2] + match[3]
            return match[1] + escape(relative(found, page)) + match[3]

        return LINK.sub(lead, html)

    def add(self, page: str, body: str, title: str = "") -> None:
        """Write a page: its frame around a body whose links are those of the site."""
        title = title or unescape(re.sub(r"<[^>]+>", "", re.search(r"<h1[^>]*>(.*?)</h1>", body, re.S)[1]))
        menu = "\n".join(
            f'<a href="{relative(target, page)}"{" aria-current=page" * (target == page)}>{name}</a>'
            for name, target in MENU.items()
        )
        if self.repository:
            menu += f'\n<a href="{escape(self.repository)}">Source</a>'
        frame = {
            "TITLE": escape(title), "POLICY": POLICY, "STYLE": relative("style.css", page), "MENU": menu, "BODY": body,
            "KIND": "landing" if page == "index.html" else "text",
        }  # fmt: skip
        text = re.sub("@([A-Z]+)@", lambda match: frame[match[1]], (HERE / "frame.html").read_text(encoding="utf-8"))
        self.write(page, text.encode())

    def write(self, page: str, content: bytes) -> None:
        """Write a file of the site."""
        path = self.out / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def relative(target: str, page: str) -> str:
    """Return the address of `target`, given from the root of the site, as seen from a page."""
    if re.match(r"[a-z]+:|#", target):
        return target
    path, mark, place = target.partition("#")
    return os.path.relpath(path, PurePosixPath(page).parent).replace(os.sep, "/") + mark + place


def build(out: Path, run: Path, repository: str = "") -> None:
    """Write the site into the folder `out`."""
    site = Site(out, repository)
    for source, page in site.pages.items():
        path = ROOT / source
        try:
            body = documents.notebook(path) if path.suffix == ".ipynb" else documents.markdown(path.read_text("utf-8"))
            body = site.links(body, source, page)
        except ValueError as error:
            raise SystemExit(f"{source}: {error}") from error
        site.add(page, body)
    for name in api.rooms(ROOT / "tinygsp"):
        site.add(f"api/{name}.html", api.room(ROOT / "tinygsp", name))
    site.add("api/index.html", api.door(ROOT / "tinygsp"))
    site.add("index.html", (HERE / "landing.html").read_text(encoding="utf-8"), "tinygsp")
    site.write("style.css", (HERE / "style.css").read_bytes())
    for path in site.copies:
        site.write(path.relative_to(ROOT).as_posix().replace(FIGURES, "figures"), path.read_bytes())
    shutil.copy(run / "explorer.html", out / "demo.html")


def main() -> None:
    """Read the command line, and build."""
    parser = argparse.ArgumentParser(description="Build the site.")
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("run", type=Path, help="run folder with an explorer.html")
    parser.add_argument("--repository", default="", help="address of the repository, for links to its files")
    args = parser.parse_args()
    if not (args.run / "explorer.html").is_file():
        parser.error(f"{args.run} has no explorer.html; run first: python -m tinygsp.explain {args.run}")
    build(args.out, args.run, args.repository)


if __name__ == "__main__":
    main()
