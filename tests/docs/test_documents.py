"""What holds for every document: links lead somewhere, named files exist, nothing is said twice."""

import pkgutil
import re

import pytest
from helpers.documents import DOCUMENTS, ROOT, anchor, headings, read, without_fences

EVERY_DOCUMENT = pytest.mark.parametrize("name", DOCUMENTS)
ELSEWHERE = {  # files of a run, of another project, and those that a reader of CONTRIBUTING.md writes
    "explorer.html", "figures/", "metrics.csv", "results/MNIST_compression_comparison_lenet300-100.csv",
    "tests/methods/test_largest.py", "tinygsp/methods/largest.py", "tinygsp/training/warmup.py",
}  # fmt: skip
LONG = ["CONTRIBUTING.md", "data/README.md", "tests/README.md", "tinygsp/README.md"]  # that begin with their contents


def test_every_document_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\(([^)#:]+)\)", read("README.md")))
    assert {name for name in DOCUMENTS if name != "README.md"} <= linked


@EVERY_DOCUMENT
def test_links_lead_somewhere(name):
    here = (ROOT / name).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(read(name))):
        if re.match(r"https?:", target):
            continue
        path, _, place = target.partition("#")
        file = (here / path).resolve() if path else ROOT / name
        assert file.exists(), target
        if place:
            assert place in [anchor(title) for _, title in headings(file.read_text(encoding="utf-8"))], target


@EVERY_DOCUMENT
def test_named_files_exist(name):
    """A path starts at the root, at the document or at tinygsp/; a name alone may stand anywhere in the package."""
    bases = [ROOT, (ROOT / name).parent, ROOT / "tinygsp"]
    names = {path.name for path in (ROOT / "tinygsp").rglob("*.*")}
    spans = re.findall(r"`([\w./-]+/|[\w./-]+\.(?:py|csv|md|html|ipynb))`", without_fences(read(name)))
    for span in set(spans) - ELSEWHERE:
        assert span in names or any((base / span).exists() for base in bases), span


@EVERY_DOCUMENT
def test_named_commands_exist(name):
    for command in set(re.findall(r"python -m tinygsp\.(\w+)", read(name))):
        assert (ROOT / "tinygsp" / f"{command}.py").exists(), command
    for script in set(re.findall(r"python ([\w/]+\.py)", read(name))):
        assert (ROOT / script).exists(), script


@pytest.mark.parametrize("name", LONG)
def test_the_contents_at_the_top_name_every_section(name):
    text = read(name)
    sections = [anchor(title) for level, title in headings(text) if level == 2]
    contents = re.findall(r"\]\(#([^)]+)\)", text[: text.index("\n## ")])
    assert [entry for entry in contents if entry in sections] == sections


def test_nothing_is_said_twice():
    paragraphs = []
    for name in DOCUMENTS:
        paragraphs += [" ".join(part.split()) for part in re.split(r"\n\n|(?<=\.)\n", without_fences(read(name)))]
    twice = {part for part in paragraphs if len(part) > 80 and not part.startswith("|") and paragraphs.count(part) > 1}
    assert not twice


@EVERY_DOCUMENT
def test_lines_are_at_most_120_long(name):
    lines = [line for line in read(name).splitlines() if len(line) > 120]
    assert all(line.startswith("|") or "](" in line for line in lines), lines


def test_the_changelog_names_what_there_is():
    new = re.findall(r"^\| `.*\| (.*) \|$", read("CHANGELOG.md"), re.M)
    names = re.findall(r"`(tinygsp[\w.]*)", " ".join(new))
    assert len(names) > 6
    for name in names:
        pkgutil.resolve_name(name)
