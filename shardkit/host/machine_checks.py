"""Checks of what the machine grants a process: open files, cores and memory."""

from collections.abc import Iterator

from shardkit.host.facts import Cores, Host, Limit, Memory
from shardkit.host.findings import BYTES_PER_IMAGE, BYTES_PER_WINDOW, Finding, Severity, format_bytes, ok

_FEWEST_OPEN_FILES = 1_024
_OPEN_FILES = 8_192
_OPEN_FILES_TO_SET = 65_536
_SHARED_BYTES = 1_000_000_000
_CONTAINER_CORES = "docker run --cpus=8 …   # SLURM: --cpus-per-task=8; Kubernetes: resources.limits.cpu"


def check_machine(host: Host) -> Iterator[Finding]:
    yield _check_open_files(host.open_files)
    yield _check_cores(host.cores)
    yield from _check_memory(host.memory)
    yield from _check_shared_memory(host.memory)
    yield from _check_overcommit(host.memory)
    if host.infiniband:
        yield _check_locked_memory(host.locked_memory)


def _check_open_files(limit: Limit) -> Finding:
    if limit.soft is None or limit.soft >= _OPEN_FILES:
        return ok("open files", f"{_said(limit.soft)} a process")
    return Finding(
        "open files",
        Severity.PROBLEM if limit.soft < _FEWEST_OPEN_FILES else Severity.ADVICE,
        f"{limit.soft:,} a process (at most {_said(limit.hard)} without being root)",
        "A dataset of 600 GB has 2,400 shards, and the workers of a DataLoader hand over each batch as an open file: "
        "training would end with «too many open files».",
        _more_open_files(limit.hard),
    )


def _more_open_files(hard: int | None) -> tuple[str, ...]:
    if hard is None or hard >= _OPEN_FILES_TO_SET:
        return (f"ulimit -n {_OPEN_FILES_TO_SET}   # in the shell or job script that starts the run",)
    return (
        f"* - nofile {_OPEN_FILES_TO_SET}   # a line of /etc/security/limits.conf; then log in again",
        f"docker run --ulimit nofile={_OPEN_FILES_TO_SET} …   # in a container",
    )


def _said(limit: int | None) -> str:
    return "any number" if limit is None else f"{limit:,}"


def _check_cores(cores: Cores) -> Finding:
    if cores.quota is not None and cores.quota < cores.allowed:
        return Finding(
            "cores",
            Severity.ADVICE,
            f"the time of {cores.quota:.3g} on {cores.allowed}, by a control group",
            "When it is used up, all threads stand still until the next tenth of a second: batches come in jerks.",
            (_CONTAINER_CORES,),
        )
    granted = f"{cores.allowed} of the machine's {cores.machine}"
    if cores.allowed > 1:
        return ok("cores", granted)
    return Finding(
        "cores",
        Severity.ADVICE,
        granted,
        "Decoding images and feeding the device take turns on it, so the device waits.",
        (_CONTAINER_CORES,),
    )


def _check_memory(memory: Memory) -> Iterator[Finding]:
    if memory.usable is None:
        return
    whose = "the limit of a control group" if memory.usable == memory.limit else "the machine's"
    fact = (
        f"{format_bytes(memory.usable)}, {whose}: {memory.usable // BYTES_PER_IMAGE:,} images of "
        f"{format_bytes(BYTES_PER_IMAGE)}"
    )
    if memory.usable >= BYTES_PER_WINDOW:
        yield ok("memory", fact)
        return
    yield Finding(
        "memory",
        Severity.ADVICE,
        fact,
        f"Shuffling 64 images a step goes back and forth over {format_bytes(BYTES_PER_WINDOW)} of them. What "
        "does not fit is read from the disk again. Packing itself needs no more than a few hundred MB.",
        ("shardkit pack SRC DST --size 299 …   # smaller images", "docker run --memory=32g …   # in a container"),
    )


def _check_shared_memory(memory: Memory) -> Iterator[Finding]:
    if memory.shared is None:
        return
    fact = f"{format_bytes(memory.shared)} in /dev/shm"
    if memory.shared >= _SHARED_BYTES:
        yield ok("shared memory", fact)
        return
    yield Finding(
        "shared memory",
        Severity.ADVICE,
        fact,
        "The workers of a DataLoader hand over batches through it, and end with «bus error» when it is full. "
        "shardkit's own threads do not need it.",
        ("mount -o remount,size=8G /dev/shm", "docker run --shm-size=8g …   # in a container"),
    )


def _check_overcommit(memory: Memory) -> Iterator[Finding]:
    if not memory.overcommits:
        yield Finding(
            "overcommit",
            Severity.ADVICE,
            "vm.overcommit_memory is 2: memory is refused that was asked for and would never be used",
            "torch and CUDA ask for far more than they use, and end with «cannot allocate memory» while much is free.",
            ("sysctl vm.overcommit_memory=0",),
        )


def _check_locked_memory(limit: Limit) -> Finding:
    if limit.soft is None:
        return ok("locked memory", "unlimited, as InfiniBand needs it")
    return Finding(
        "locked memory",
        Severity.ADVICE,
        f"{format_bytes(limit.soft)} a process, on a machine with InfiniBand",
        "Between machines NCCL locks what it sends: it fails, or falls back to slower sockets.",
        ("ulimit -l unlimited", "* - memlock unlimited   # a line of /etc/security/limits.conf; then log in again"),
    )
