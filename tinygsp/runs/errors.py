"""The errors of run folders. Each message is one line: what is wrong, and what would be right."""


class RunError(Exception):
    """A run folder that cannot be used."""


class DamagedError(RunError):
    """A checkpoint that does not hold what was written."""
