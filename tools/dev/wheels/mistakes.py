"""What can go wrong while wheels are collected, each with the exit code that shardkit's own commands have for it."""


class Stopped(Exception):
    """A sentence for the user: what happened, and what to do."""

    code = 1


class Misused(Stopped):
    code = 2


class NoSpace(Stopped):
    code = 6


class Unreachable(Stopped):
    code = 7
