"""A terminal of so many columns, and what a program writes to it."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence


def on_terminal(
    command: Sequence[object], columns: int, variables: Mapping[str, str], *, keys: str = "", ready: str = ""
) -> str:
    """What was written, with its colours; `keys` are pressed once it is `ready`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}}
    environment = {**kept, "TERM": "xterm-256color", **variables}
    with subprocess.Popen([str(each) for each in command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        return _read(ours, keys.encode(), ready.encode())


def _read(descriptor: int, keys: bytes, ready: bytes) -> str:
    """Reading fails once the other side is closed."""
    read = b""
    try:
        while some := os.read(descriptor, 4_096):
            read += some
            if keys and ready in read:
                os.write(descriptor, keys)
                keys = b""
    except OSError:
        pass
    finally:
        os.close(descriptor)
    return read.decode()
