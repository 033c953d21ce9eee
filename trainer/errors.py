"""Exceptions of a run, with the exit codes of shardkit: `docs/exit-codes.md` lists them.

A message is all that the user sees: it says what happened, where, and what to do next.
"""

from shardkit import ShardkitError


class UsageError(ShardkitError):
    """The config, or what it names, cannot be meant like that."""

    exit_code = 2


class Mismatch(ShardkitError):
    """The run was begun with something else than what is there now."""

    exit_code = 5


class Busy(Mismatch):
    """Another job is at work on this run folder."""


class NoSpace(ShardkitError):
    """A checkpoint does not fit on the disk."""

    exit_code = 6


class Diverged(ShardkitError):
    """The loss is no number any more."""


class PeerLost(ShardkitError):
    """Another rank died or stands still."""
