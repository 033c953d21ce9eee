"""How a command ends: its exit code, and one message for whatever a user can do something about."""

import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches

import torch

from shardkit import ShardkitError
from trainer.errors import UsageError

INTERRUPTED = 130
_OF_PEERS = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")

_OUT_OF_MEMORY = (
    "The GPU's memory is full: {error}\nTry, in this order: half of data.micro_batch; system.activation_checkpoint = "
    "true; fewer data.threads. The first two are part of the run's identity, so they need another --run.folder. "
    "`python -m trainer doctor --config …` finds the largest micro-batch that fits."
)
_PEER_LOST = (
    "Another rank of this job died or left, so this one ends, too ({error}). The rank that failed first says why. The "
    "same command goes on from the last checkpoint."
)


def ended(command: Callable[[], int]) -> int:
    try:
        return command()
    except ShardkitError as error:
        return _told(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _told("Interrupted, without a checkpoint. The same command goes on from the last one.", INTERRUPTED)
    except torch.OutOfMemoryError as error:
        return _told(_OUT_OF_MEMORY.format(error=_first_line(error)), 1)
    except RuntimeError as error:
        if not any(each in str(error).lower() for each in _OF_PEERS):
            raise
        traceback.print_exc()  # where this rank stood
        return _told(_PEER_LOST.format(error=_first_line(error)), 1)


def unknown(name: str, there: Sequence[str]) -> UsageError:
    near = get_close_matches(name, there, 1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return UsageError(f"There is no command {name!r}.{meant} The commands are {', '.join(there)}.")


def _told(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
