"""Fixtures of small runs and small sweeps."""

from helpers.export_fixtures import trained  # noqa: F401
from helpers.run_fixtures import small_toy, terminal_signals, whole  # noqa: F401
from helpers.sweep_fixtures import light_sweep, made_sweep, tasks_run, trouble, whole_sweep  # noqa: F401
