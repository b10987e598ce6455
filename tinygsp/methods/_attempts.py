"""The phases of a method that trains the dense network, then searches and fine-tunes, once or in several attempts."""

from __future__ import annotations

from collections.abc import Callable

from tinygsp.training import Dense, Phase, Plan


def in_attempts(plan: Plan, attempt_phases: Callable[[int], list[Phase]]) -> list[Phase]:
    """Dense, then in every attempt the phases that `attempt_phases` returns for its number, counted from 0."""
    phases: list[Phase] = [Dense(plan, plan.settings.dense_epochs)]
    for attempt in range(plan.settings.tries):
        phases += attempt_phases(attempt)
    return phases
