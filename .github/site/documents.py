"""Turn the documents and the lessons of the repository into HTML: the body of a page, without its frame.

Markdown and code are turned by nbconvert, which comes with jupyter; formulas by mathml.py. Links still point to files
of the repository afterwards; build.py leads them to pages.
"""

from __future__ import annotations

import json
import re
from html import escape, unescape
from pathlib import Path

import mathml
from nbconvert.filters import Highlight2HTML, markdown2html, strip_ansi

APART = re.compile(r"(<pre.*?</pre>|<code.*?</code>|<[^>]+>)", re.S)  # where no formula is looked for
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(?! )([^$]+?)(?<! )\$", re.S)
HEADING = re.compile(r'<h(\d)( id="[^"]*")?>(.*?)(?:<a class="anchor-link".*?</a>)?</h\1>', re.S)
highlight = Highlight2HTML(pygments_lexer="python3")


def anchor(title: str) -> str:
    """Return the name by which a link finds a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def markdown(text: str) -> str:
    """Turn Markdown into HTML; headings get the names that GitHub gives them, wide things a frame that scrolls."""
    html = markdown2html(text)
    html = HEADING.sub(lambda m: heading(int(m[1]), m[3]), html)
    html = re.sub(r"<table>.*?</table>", lambda m: f'<div class="scroll" tabindex="0">{m[0]}</div>', html, flags=re.S)
    html = html.replace("<th></th>", "<td></td>")
    return formulas(html.replace("<pre>", '<pre tabindex="0">'))


def heading(level: int, title: str) -> str:
    """Write a heading with the name by which links find it."""
    return f'<h{level} id="{anchor(unescape(re.sub(r"<[^>]+>", "", title)))}">{title}</h{level}>'


def formulas(html: str) -> str:
    """Turn the formulas between dollar signs into MathML."""

    def formula(match: re.Match) -> str:
        return mathml.convert(unescape(match[1] or match[2]), display=bool(match[1]))

    parts = APART.split(html)
    parts[::2] = [FORMULA.sub(formula, part) for part in parts[::2]]
    return "".join(parts)


def notebook(path: Path) -> str:
    """Turn a notebook into HTML, with its saved outputs."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(markdown(source))
        elif cell["cell_type"] == "code" and source.strip():
            parts.append(highlight(source).replace("<pre>", '<pre tabindex="0">'))
            parts += [output(one) for one in cell["outputs"]]
    return "\n".join(parts)


def output(found: dict) -> str:
    """Turn one output of a cell into HTML: text, or a picture."""
    data = found.get("data", {})
    if "image/png" in data:
        code = "".join(data["image/png"]).replace("\n", "")
        return f'<img class="output" src="data:image/png;base64,{code}" alt="Picture drawn by the code above">'
    text = found.get("text") or data.get("text/plain") or found.get("traceback") or ""
    text = strip_ansi("".join(text)).rstrip()
    return f'<pre class="output" tabindex="0">{escape(text)}</pre>' if text else ""
