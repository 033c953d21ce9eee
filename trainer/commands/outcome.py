"""How a command ends: its exit code, and one message for whatever a user can do something about."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence

from shardkit import ShardkitError
from trainer.commands.starting import INTERRUPTED, import_torch
from trainer.config.meant import meant
from trainer.errors import UsageError

FAILED = 1
_OF_SHARDKIT = {
    *("pack", "merge", "index", "append", "remove", "verify", "repair"),
    *("info", "ls", "cat", "order", "unpack", "bench", "completion"),
}
"""Commands that people look for here."""
_OF_PEERS = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")
_OF_MEMORY = "DefaultCPUAllocator"

_OUT_OF_MEMORY = (
    "{whose} memory is full: {error}\nTry, in this order: half of data.micro_batch; system.activation_checkpoint = "
    "true; fewer data.threads. The first two are part of the run's identity, so they need another --run.folder. "
    "`python -m trainer doctor --config …` finds the largest micro-batch that fits a GPU."
)
_PEER_LOST = (
    "Another rank of this job died, left or could not be reached, so this one ends, too ({error}). The rank that "
    "failed first says why. The same command goes on from the last checkpoint."
)
_STOPPED = "Interrupted, without another checkpoint. The same command starts it again; a run goes on from its last one."


def ended(command: Callable[[], int]) -> int:
    import_torch()
    import torch  # noqa: PLC0415 - not before somebody listens to Ctrl-C

    try:
        return _read(command)
    except ShardkitError as error:
        return _told(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _told(_STOPPED, INTERRUPTED)
    except torch.OutOfMemoryError as error:
        return _told(_OUT_OF_MEMORY.format(whose="The GPU's", error=_first_line(error)), FAILED)
    except MemoryError as error:
        return _told(_OUT_OF_MEMORY.format(whose="This machine's", error=_first_line(error)), FAILED)
    except RuntimeError as error:
        return _of_runtime(error)


def unknown(name: str, there: Sequence[str]) -> UsageError:
    if name in _OF_SHARDKIT:
        return UsageError(f"{name} is a command of shardkit: `shardkit {name} --help`.")
    near = meant(name, there) or (f" Did you mean --config {name}?" if name.endswith(".toml") else "")
    listed = f"The commands are {', '.join(there)}. `python -m trainer --help` tells more."
    return UsageError(f"There is no command {name!r}.{near} {listed}")


def _read(command: Callable[[], int]) -> int:
    """`| head` that has read enough is no error."""
    try:
        code = command()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more when it ends
        return 0
    return code


def _of_runtime(error: RuntimeError) -> int:
    from torch import distributed as dist  # noqa: PLC0415 - as above

    text = str(error)
    if _OF_MEMORY in text:
        return _told(_OUT_OF_MEMORY.format(whose="This machine's", error=_first_line(error)), FAILED)
    if not isinstance(error, dist.DistError) and not any(each in text.lower() for each in _OF_PEERS):
        raise error
    traceback.print_exception(error)  # where this rank stood
    return _told(_PEER_LOST.format(error=_first_line(error)), FAILED)


def _told(message: str, code: int) -> int:
    sys.stderr.write(f"{message}\n")
    return code


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
