"""The site: every link leads somewhere, nothing comes from elsewhere, and all that should be there is there."""

import ast
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.chromium import violations
from helpers.documents import ROOT
from PIL import Image

import tinygsp

STILL = {"prefers-reduced-motion": "reduce"}


class Page(HTMLParser):
    """The links of a page, the names it has, and what it loads."""

    def __init__(self, path):
        super().__init__()
        self.links, self.names, self.loads = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
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


def test_nothing_is_loaded_from_elsewhere(site, pages):
    assert [(path.name, load) for path, page in pages.items() for load in page.loads if "//" in load[:12]] == []
    assert "url(" not in (site / "style.css").read_text("utf-8") and "@import" not in (site / "style.css").read_text(
        "utf-8"
    )
    own = [path for path in pages if path.name != "demo.html" and "lessons/pages" not in path.as_posix()]
    for path in own:
        text = path.read_text("utf-8")
        assert "<script" not in text and "default-src 'none'" in text, path


def test_every_lesson_document_and_picture_is_there(site, pages):
    for path in [*ROOT.glob("lessons/*.ipynb"), *ROOT.glob("lessons/pages/*.html")]:
        assert (site / path.relative_to(ROOT).with_suffix(".html")).is_file(), path
    for path in ROOT.glob("lessons/pages/*.html"):
        assert (site / "lessons/pages" / path.name).read_bytes() == path.read_bytes()
    for name in ("readme.html", "contributing.html", "changelog.html", "data/index.html", "tinygsp/index.html"):
        assert (site / name).is_file()
    lesson = (site / "lessons/04_train_dense.html").read_text("utf-8")
    assert "data:image/png;base64," in lesson and 'class="output"' in lesson and "<math" in lesson


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
        names = [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)]
        page = (site / "api" / f"{path.parent.name}.html").read_text("utf-8")
        assert all(f"<code>class {name}" in page for name in names if not name.startswith("_")), path


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
