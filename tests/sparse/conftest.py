"""Fixtures of the tests of exports."""

from helpers.export_fixtures import trained  # noqa: F401
