"""The facts of a host, from a kernel of our own making and from the one that runs the test."""

import os
import resource
from pathlib import Path

import pytest

from shardkit.host.doctor import locate
from shardkit.host.facts import Cores, KernelRoots, Limit, parse_memory_total, read_host


def put(root: Path, files: dict[str, str]) -> KernelRoots:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return KernelRoots(root / "proc", root / "sys", root / "shm")


def test_a_host_is_read_from_proc_and_sys(tmp_path: Path) -> None:
    roots = put(
        tmp_path / "kernel",
        {
            "proc/self/mountinfo": "1 0 0:52 / / rw,noatime - nfs4 server:/export rw\n",
            "proc/self/cgroup": "0::/job\n",
            "proc/meminfo": "MemTotal:       24684092 kB\nMemFree:        1 kB\n",
            "proc/sys/vm/overcommit_memory": "2\n",
            "sys/fs/cgroup/job/memory.max": "4096\n",
            "sys/fs/cgroup/job/cpu.max": "50000 100000\n",
            "sys/class/bdi/0:52/read_ahead_kb": "128\n",
            "sys/class/infiniband/mlx5_0/node_type": "",
        },
    )

    host = read_host(locate(tmp_path), {}, roots)

    assert host.mount is not None
    assert host.mount.source == "server:/export"
    assert host.read_ahead is not None
    assert host.infiniband
    assert host.cores == Cores(os.cpu_count() or 1, len(os.sched_getaffinity(0)), 0.5)
    assert (host.memory.total, host.memory.usable, host.memory.overcommits) == (24_684_092 * 1024, 4096, False)
    assert host.memory.shared is None


def test_a_kernel_that_says_nothing_is_no_error(tmp_path: Path) -> None:
    host = read_host(locate(tmp_path), {}, KernelRoots(tmp_path / "proc", tmp_path / "sys", tmp_path))

    assert (host.mount, host.disk, host.read_ahead, host.infiniband) == (None, None, None, False)
    assert (host.cores.quota, host.memory.usable, host.memory.overcommits) == (None, None, True)
    disk = os.statvfs(tmp_path)
    assert host.memory.shared == disk.f_blocks * disk.f_frsize
    assert host.space.inodes == disk.f_files


def test_the_host_that_runs_this_can_be_read(tmp_path: Path) -> None:
    host = read_host(locate(tmp_path), {}, KernelRoots())

    assert host.mount is not None
    assert tmp_path.is_relative_to(host.mount.point)
    assert host.memory.usable is not None
    assert 0 < host.memory.usable <= (host.memory.total or 0)


@pytest.mark.parametrize("soft", [64, 128])
def test_limits_are_those_of_this_process(tmp_path: Path, soft: int) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        host = read_host(locate(tmp_path), {}, KernelRoots())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert host.open_files == Limit(soft, None if before[1] == resource.RLIM_INFINITY else before[1])


def test_the_total_of_memory_is_found_by_its_name() -> None:
    assert parse_memory_total("HighTotal: 7 kB\nMemTotal: 2 kB\n") == 2_048
    assert parse_memory_total("") is None
