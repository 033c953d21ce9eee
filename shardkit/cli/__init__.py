"""Command line of shardkit: one file per command, over the library.

    main ──> commands/<name> ──> pack │ verify │ reader │ stream │ host
      │            │
      │            ├── options     values of options: numbers, sizes, splits, subjects, keys; shell completion of them
      │            ├── packing     shared by pack, append, merge and index: request, dry run, final report
      │            ├── console     words on stderr, JSON lines and bytes on stdout, color, folded lines
      │            └── progress    bar on a terminal, lines in a log file
      ├── help     layout of `--help`
      └── errors   messages of usage errors, exit codes, signals

To add a command, write `commands/<name>.py` and list it in `main.py`.
"""

from shardkit.cli.main import main

__all__ = ["main"]
