"""Importing torch, which takes seconds in which a user may press Ctrl-C.

As a KeyboardInterrupt it would end in a traceback out of some import, or be swallowed by one that expects any error.
But nothing has begun yet: so the process says so and leaves at once.
"""

import os
import signal
import sys
import threading
from importlib import import_module
from types import FrameType

INTERRUPTED = 130
_NOTHING = "Interrupted before anything was begun. The same command starts it.\n"


def import_torch() -> None:
    if "torch" in sys.modules or threading.current_thread() is not threading.main_thread():
        return
    before = signal.signal(signal.SIGINT, _leave)
    try:
        import_module("torch")
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, _NOTHING.encode())  # not through sys.stderr, which may be in the middle of a line
    os._exit(INTERRUPTED)
