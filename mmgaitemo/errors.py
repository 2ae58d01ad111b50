"""Errors in plain words: where it happened, what was found, what to do about it."""

from __future__ import annotations


class GaitError(Exception):
    """Base of every error that a user can mend.

    Args:
        where: The file, config key or sample at fault.
        problem: What is wrong, in one clause.
        found: The offending value, as it was found.
        remedy: What to do about it.
    """

    def __init__(self, where: str, problem: str, *, found: object = None, remedy: str) -> None:
        found_text = "" if found is None else f" Found: {found}."
        super().__init__(f"{where}: {problem}.{found_text} Remedy: {remedy}.")

    def within(self, where: str) -> GaitError:
        """The same error, after the name of the larger thing in which it arose."""
        return _with_text(type(self), f"{where}: {self}")

    def __reduce__(self) -> tuple:
        """From a worker process an error comes back as its text."""
        return _with_text, (type(self), str(self))


class DataError(GaitError):
    """A data file is missing, unreadable or holds values that are no gait."""


class ConfigError(GaitError):
    """A config asks for something that does not exist or does not fit together."""


class CheckpointError(GaitError):
    """A checkpoint is unreadable or belongs to another model."""


class TrainingError(GaitError):
    """A run cannot go on: a non-finite loss, or a hook that the algorithm needs is missing."""


def _with_text(kind: type[GaitError], text: str) -> GaitError:
    error = kind.__new__(kind)
    error.args = (text,)
    return error
