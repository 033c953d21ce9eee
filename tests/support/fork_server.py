"""A process that imports the product once and runs each command in a fork of itself, under limits of memory and time.

Run as `python -m tests.support.fork_server`. A request is a line of JSON on stdin, and its outcome one on stdout.
"""

import errno
import fcntl
import gc
import importlib
import json
import os
import pkgutil
import pty
import resource
import select
import signal
import sys
import termios
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path

MEMORY = 2 << 30
"""Bytes that a command may have in memory."""
CPU_SECONDS = 20

_TICK = 0.01
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ADDRESSES = 3 << 30
"""Beyond the memory, what a command may map: libraries reserve more than they use."""
_PACKAGES = ("shardkit.cli", "shardkit.format", "shardkit.image", "shardkit.pack", "shardkit.reader", "shardkit.verify")


@dataclass(frozen=True)
class Request:
    arguments: list[str]
    """Of `shardkit`; or `stream` and a folder; or `python` and code, for tests of this server."""
    cwd: str
    stdout: str
    stderr: str
    terminal: bool
    """Run on a terminal, whose output all goes to the file for stdout."""
    idle: float
    """Seconds without use of the CPU, after which a command waits for something that never comes."""


@dataclass(frozen=True)
class Outcome:
    code: int
    """Negative: ended by this signal."""
    stopped: str
    """Why we ended it: `memory`, `cpu` or `idle`."""
    peak: int
    seconds: float


def main() -> None:
    stream = "--stream" in sys.argv
    _import_all(stream=stream)
    gc.freeze()  # so that forks go on sharing what is in memory
    for line in sys.stdin:
        outcome = _run(Request(**json.loads(line)))
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
        sys.stdout.flush()


def _import_all(*, stream: bool) -> None:
    for package in _PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.endswith(("__main__", "bench_probe", "doctor")):
                importlib.import_module(module.name)
    importlib.import_module("shardkit.image.png.kernels").load_kernels()
    if stream:
        importlib.import_module("shardkit.stream.dataset")


def _run(request: Request) -> Outcome:
    terminal, inner = _terminal() if request.terminal else (-1, -1)
    start = time.monotonic()
    child = os.fork()
    if not child:
        _be_command(request, inner)
    if inner >= 0:
        os.close(inner)
    with Path(request.stdout).open("ab") as shown:
        stopped, status, usage = _watch(child, terminal, shown.fileno(), request.idle)
    if terminal >= 0:
        os.close(terminal)
    code = os.waitstatus_to_exitcode(status)
    return Outcome(code, stopped, usage.ru_maxrss << 10, time.monotonic() - start)


def _terminal() -> tuple[int, int]:
    outer, inner = pty.openpty()
    settings = termios.tcgetattr(inner)
    settings[1] &= ~termios.OPOST  # line feeds stay as they are
    termios.tcsetattr(inner, termios.TCSANOW, settings)
    return outer, inner


def _be_command(request: Request, terminal: int) -> None:
    """Become the command; never returns."""
    code = 1
    try:
        os.setsid()
        _redirect(request, terminal)
        os.chdir(request.cwd)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit_addresses()
        if request.arguments[0] == "stream":
            code = _stream(request.arguments[1])
        elif request.arguments[0] == "python":
            exec(request.arguments[1])  # noqa: S102 - a test's own
            code = 0
        else:
            sys.argv = ["shardkit", *request.arguments]
            importlib.import_module("shardkit.cli.main").main()
    except BaseException:  # noqa: BLE001 - what the interpreter would show at its end
        traceback.print_exc()
    finally:
        for each in (sys.stdout, sys.stderr):
            each.flush()
        os._exit(code)


def _redirect(request: Request, terminal: int) -> None:
    files = [os.open("/dev/null", os.O_RDONLY)]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    files += [os.open(path, flags, 0o600) for path in (request.stdout, request.stderr)]
    if terminal >= 0:
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        files[1:] = [terminal, terminal]
    for number, each in enumerate(files):
        os.dup2(each, number)
    os.environ |= {"TERM": "dumb", "NO_COLOR": "1"}


def _limit_addresses() -> None:
    status = Path("/proc/self/status").read_text()
    data = next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData"))
    limit = data + MEMORY + _ADDRESSES
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _stream(folder: str) -> int:
    """Serve the first batch of every split, as a training script would."""
    package = importlib.import_module("shardkit")
    try:
        for split in package.open(folder):
            next(iter(package.StreamingDataset(folder, split=split, batch_size=2)))
    except package.ShardkitError as error:
        sys.stderr.write(f"Error: {error}\n")
        return int(error.exit_code)
    return 0


def _watch(child: int, terminal: int, shown: int, idle: float) -> tuple[str, int, resource.struct_rusage]:
    """Wait for the end of a process, or end it at a limit; copy what its terminal shows."""
    stopped, used, since = "", -1.0, time.monotonic()
    while True:
        _copy(terminal, shown)
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            _copy(terminal, shown)
            return stopped, status, usage
        memory, cpu = _use(child)
        if cpu != used:
            used, since = cpu, time.monotonic()
        reasons = {"memory": memory > MEMORY, "cpu": cpu > CPU_SECONDS, "idle": time.monotonic() - since > idle}
        if any(reasons.values()) and not stopped:
            stopped = next(reason for reason, reached in reasons.items() if reached)
            os.kill(child, signal.SIGKILL)


def _copy(terminal: int, shown: int) -> None:
    """Copy what there is, or wait a moment."""
    if terminal < 0:
        time.sleep(_TICK)
        return
    while select.select([terminal], [], [], _TICK)[0]:
        try:
            content = os.read(terminal, 1 << 16)
        except OSError as error:
            if error.errno != errno.EIO:  # the last process has closed it
                raise
            return
        if not content:
            return
        os.write(shown, content)


def _use(child: int) -> tuple[int, float]:
    """Return the bytes in memory and the seconds of CPU that a process uses."""
    pages = int(Path(f"/proc/{child}/statm").read_bytes().split()[1])
    fields = Path(f"/proc/{child}/stat").read_bytes().rpartition(b")")[2].split()
    return pages * _PAGE, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
