"""How much memory may still be filled, as the kernel and the control groups say."""

from pathlib import Path

from shardkit.storage.host.control_groups import memory_limit

_FIELD = "MemAvailable:"


def available_bytes() -> int:
    found = next((line for line in _lines("/proc/meminfo") if line.startswith(_FIELD)), f"{_FIELD} 0 kB")
    free = int(found.split()[1]) * 1024
    limit = memory_limit("\n".join(_lines("/proc/self/cgroup")), Path("/sys"))
    return free if limit is None else min(free, limit)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
