"""A rank dies with the agent that started it: after a SIGKILL of torchrun, orphans would train on."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Only under torchrun: a shell that started the process alone may well end before it. Only Linux can."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return
    agent = os.getppid()
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if agent == 1 or os.getppid() != agent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)
