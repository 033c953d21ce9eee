"""The command line: one file a command, one console for people, plain logs and JSON."""

from shardkit.cli.main import main

__all__ = ["main"]
