"""env.json names the processor on every system."""

from pathlib import Path

from tinygsp import runs
from tinygsp.runs import env


def test_a_processor_without_a_file_that_names_it(monkeypatch):
    def missing(*arguments):
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    monkeypatch.setattr(env.platform, "processor", lambda: "of another system")
    assert env.cpu_name() == "of another system" == runs.environment(1)["cpu"]
