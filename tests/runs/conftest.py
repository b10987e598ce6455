"""Fixtures of small runs."""

from helpers.run_fixtures import small_toy, terminal_signals, whole  # noqa: F401
