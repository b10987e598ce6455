"""The site: every link leads somewhere, nothing comes from elsewhere, and all that should be there is there."""

import ast
import importlib.util
import json
import re
import sys
from html import escape, unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.chromium import violations
from helpers.documents import ROOT
from PIL import Image

import tinygsp

sys.path.append(str(ROOT / ".github" / "site"))
spec = importlib.util.spec_from_file_location("build_site", ROOT / ".github" / "site" / "build.py")
builder = importlib.util.module_from_spec(spec)
spec.loader.exec_module(builder)
STILL = {"prefers-reduced-motion": "reduce"}


class Page(HTMLParser):
    """The links of a page, the names it has, what it loads, and in the menu what is called the current page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.names, self.loads, self.current = [], set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
            self.current += [found["href"]] * (found.get("aria-current") == "page")
        self.loads += [found[key] for key in ("src", "srcset", "data") if key in found]
        if tag == "link":
            self.loads.append(found["href"])


@pytest.fixture(scope="module")
def pages(site):
    """{path: Page} of every page."""
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_link_leads_somewhere(site, pages):
    broken = []
    for path, page in pages.items():
        for link in page.links + page.loads:
            if re.match(r"(https?|data|mailto):", link):
                continue
            file, _, place = link.partition("#")
            goal = (path.parent / file).resolve() if file else path
            inside = goal.is_relative_to(site.resolve()) or goal == path
            if not (inside and goal.is_file()) or (place and goal in pages and place not in pages[goal].names):
                broken.append((path.relative_to(site).as_posix(), link))
    assert broken == []


def test_a_link_that_leads_nowhere_ends_the_build(tmp_path):
    """Also one to a file of the package, and a picture."""
    site = builder.Site(tmp_path, "")
    for html in (
        '<a href="lessons/no.ipynb">',
        '<a href="tinygsp/nn/no.py">',
        '<img alt="" src=".github/figures/no.png">',
    ):
        with pytest.raises(ValueError, match=r"the link to \S+no\.\w+ leads nowhere"):
            site.links(html, "README.md", "readme.html")
    shown = site.links('<a href="nn/gates.py#x"><a href="../data/mnist">', "tinygsp/README.md", "tinygsp/index.html")
    assert shown == '<a href="../api/nn.html#nn-gates"><a data-file="../data/mnist">'


def test_the_menu_says_where_one_is_and_the_title_what_it_is(site, pages):
    titles = {}
    for path in site.rglob("*.html"):
        name, text = path.relative_to(site).as_posix(), path.read_text("utf-8")
        if name == "demo.html" or name.startswith("lessons/pages/"):
            continue
        inside = builder.relative(name, name)
        assert pages[path].current == ([inside] if name in builder.MENU.values() else []), name
        heading = re.sub(r"<[^>]+>", "", re.search(r"<h1.*?</h1>", text, re.S)[0])
        titles[name] = re.search(r"<title>(.*?)</title>", text)[1]
        assert unescape(titles[name]) == unescape(heading) != "", name
    assert len(set(titles.values())) > 0.9 * len(titles) and titles["index.html"] == "tinygsp"


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert [(path.name, load) for path, page in pages.items() for load in page.loads if "//" in load[:12]] == []
    assert "url(" not in (site / "style.css").read_text("utf-8") and "@import" not in (site / "style.css").read_text(
        "utf-8"
    )
    own = [path for path in pages if path.name != "demo.html" and "lessons/pages" not in path.as_posix()]
    for path in own:
        text = path.read_text("utf-8")
        policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
        assert policy == "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'"
        assert not re.search(r"<script|<iframe|<[^>]*\son\w+=", text), path


def test_every_lesson_document_and_picture_is_there(site, pages):
    for path in [*ROOT.glob("lessons/*.ipynb"), *ROOT.glob("lessons/pages/*.html")]:
        assert (site / path.relative_to(ROOT).with_suffix(".html")).is_file(), path
    for path in ROOT.glob("lessons/pages/*.html"):
        assert (site / "lessons/pages" / path.name).read_bytes() == path.read_bytes()
    for name in ("readme.html", "contributing.html", "changelog.html", "data/index.html", "tinygsp/index.html"):
        assert (site / name).is_file()
    lesson = (site / "lessons/04_train_dense.html").read_text("utf-8")
    assert "data:image/png;base64," in lesson and 'class="output"' in lesson and "<math" in lesson


def test_lessons_have_their_code_and_their_outputs(site):
    """As they are in the notebook: every line of code, every printed line, every picture."""
    for name in ("01_fit_line", "06_flip_coin"):
        text = (site / "lessons" / f"{name}.html").read_text("utf-8")
        blocks = [unescape(re.sub(r"<[^>]+>", "", block)) for block in re.findall(r"<pre.*?</pre>", text, re.S)]
        cells = json.loads((ROOT / "lessons" / f"{name}.ipynb").read_text("utf-8"))["cells"]
        cells = [cell for cell in cells if cell["cell_type"] == "code"]
        outputs = [one for cell in cells for one in cell["outputs"]]
        printed = ["".join(one["text"]).rstrip() for one in outputs if "text" in one]
        drawn = sum("image/png" in one.get("data", {}) for one in outputs)
        assert {"".join(cell["source"]).strip() for cell in cells} <= {block.strip() for block in blocks} | {""}
        assert printed and {text for text in printed if "\x1b" not in text} <= set(blocks)
        assert text.count('<img class="output"') == drawn > 0


def test_what_a_cell_printed_is_shown_as_text():
    documents = builder.documents
    assert documents.output({"text": ["a <b> & c\n"]}) == '<pre class="output" tabindex="0">a &lt;b&gt; &amp; c</pre>'
    table = {"data": {"text/plain": "x", "text/html": "<script>"}}
    assert documents.output(table) == '<pre class="output" tabindex="0">x</pre>'


def test_formulas_are_drawn_without_a_script(site):
    texts = [path.read_text("utf-8") for path in site.glob("lessons/*.html")]
    assert sum(text.count("<math") for text in texts) > 400
    for text in texts:
        prose = re.sub(r"<(pre|code)\b.*?</\1>|<img[^>]*>", "", text, flags=re.S)
        assert "$" not in prose and not re.search(r"\\[a-z]{2,}", prose)


def test_the_reference_has_every_public_function(site):
    text = " ".join(path.read_text("utf-8") for path in site.glob("api/*.html"))
    for name in tinygsp.__all__:
        assert re.search(rf"<code>(class )?{name}\b", text) or name.startswith("__"), name
    for path in (ROOT / "tinygsp").glob("*/*.py"):
        page = (site / "api" / f"{path.parent.name}.html").read_text("utf-8")
        tree = ast.parse(path.read_text("utf-8"))
        inside = [node for outer in tree.body if isinstance(outer, ast.ClassDef) for node in outer.body]
        for node in tree.body + [node for node in inside if not isinstance(node, ast.ClassDef)]:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name.startswith("_"):
                continue
            start = f"<code>{'class ' * isinstance(node, ast.ClassDef)}{node.name}"
            assert re.search(rf"{start}\b", page), (path, node.name)
            assert escape(ast.get_docstring(node) or "") in page, (path, node.name)


def test_files_of_the_package_lead_to_the_reference(site):
    lesson = (site / "lessons/02_build_layers.html").read_text("utf-8")
    assert 'href="../api/nn.html#nn-layers"' in lesson


def test_the_repository_is_linked_where_its_address_is_known(tmp_path, site, build_site):
    run = tmp_path / "run"
    run.mkdir()
    (run / "explorer.html").write_text("<html></html>")
    assert build_site(tmp_path / "out", run, "--repository", "https://example.org/x/").returncode == 0
    found = (tmp_path / "out" / "index.html").read_text("utf-8")
    assert '<a href="https://example.org/x">Source</a>' in found
    text = (tmp_path / "out" / "lessons/index.html").read_text("utf-8")
    assert 'href="https://example.org/x/blob/main/lessons/exercise.py"' in text
    assert "example.org" not in (site / "index.html").read_text("utf-8")


def test_a_run_without_a_page_is_refused_in_one_line(tmp_path, build_site):
    done = build_site(tmp_path / "out", tmp_path)
    assert done.returncode == 2 and "has no explorer.html; run first: python -m tinygsp.explain" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


@pytest.mark.parametrize("width, scheme", [(1400, "dark"), (390, "light")])
def test_everybody_can_read_it(browser, axe, site, width, scheme):
    """axe finds nothing, and no page is wider than its window."""
    browser.resize(width, 900, {**STILL, "prefers-color-scheme": scheme})
    for name in ("index", "lessons/index", "lessons/06_flip_coin", "api/estimators"):
        browser.driver.get((site / f"{name}.html").as_uri())
        found = violations(browser, axe)
        assert found == [], (name, found)
        scrolls = browser.run("return document.documentElement.scrollWidth")
        assert scrolls <= width, name
        browser.picture(f"site-{name.replace('/', '-')}-{width}-{scheme}")


def test_from_the_landing_page_to_the_page_one_draws_on(browser, site):
    browser.resize(1200, 900, STILL)
    browser.driver.get((site / "index.html").as_uri())
    shown = "const image = document.querySelector('picture img'); return image.naturalWidth && image.currentSrc"
    assert browser.wait(shown).endswith("prune.png")
    browser.find("a.button").click()
    browser.wait("return Boolean(window.explorer)")
    browser.resize(1200, 900, {"prefers-reduced-motion": "no-preference"})
    browser.driver.get((site / "index.html").as_uri())
    assert browser.wait(shown).endswith("prune.webp")


def test_the_picture_moves():
    """It has at most 2 MB, runs for 10 to 14 s, for ever, and ends where the picture that stands still is."""
    path = ROOT / ".github" / "figures" / "prune.webp"
    assert path.stat().st_size <= 2_000_000
    with Image.open(path) as moving, Image.open(path.with_suffix(".png")) as still:
        assert moving.size == still.size == (800, 470) and moving.n_frames > 50 and moving.info["loop"] == 0
        durations, frames = [], []
        for frame in range(moving.n_frames):
            moving.seek(frame)
            frames.append(np.asarray(moving.convert("RGB"), float))
            durations.append(moving.info["duration"])
        assert 10_000 < sum(durations) < 14_000 and durations[-1] > 2000
        assert np.abs(frames[-1] - np.asarray(still, float)).mean() < 6
        assert np.abs(frames[0] - frames[-1]).mean() > 20
