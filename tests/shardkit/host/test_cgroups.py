"""The least limit of a group and of those above it counts, in both versions, inside a container and outside."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.host.cgroups import core_quota, memory_left, memory_limit

V2 = "0::/slurm/job_7/step_0\n"
V1 = "9:name=systemd:/\n5:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n0::/\n"
NO_LIMIT = "9223372036854771712"


def put(sys: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        file = sys / "fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return sys


@pytest.mark.parametrize(
    ("memberships", "files", "cores", "memory"),
    [
        (V2, {}, None, None),
        ("", {"cpu.max": "50000 100000"}, None, None),
        (V2, {"slurm/job_7/step_0/cpu.max": "max 100000", "slurm/job_7/step_0/memory.max": "max"}, None, None),
        (V2, {"slurm/job_7/step_0/cpu.max": "150000 100000", "slurm/job_7/step_0/memory.max": "4096"}, 1.5, 4096),
        (V2, {"slurm/job_7/cpu.max": "400000 100000", "slurm/job_7/memory.max": "4096"}, 4, 4096),
        (V2, {"cpu.max": "200000 100000", "memory.max": "8192"}, 2, 8192),
        (V2, {"other/cpu.max": "200000 100000", "other/memory.max": "8192"}, None, None),
        (V1, {"cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "-1", "memory/memory.limit_in_bytes": NO_LIMIT}, None, None),
        (
            V1,
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "250000",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
                "memory/docker/abc/memory.limit_in_bytes": "4096",
                "memory/memory.limit_in_bytes": NO_LIMIT,
            },
            2.5,
            4096,
        ),
    ],
)
def test_limits_are_those_of_the_groups_of_this_process(
    tmp_path: Path, memberships: str, files: dict[str, str], cores: float | None, memory: int | None
) -> None:
    sys = put(tmp_path, files)

    assert (core_quota(memberships, sys), memory_limit(memberships, sys)) == (cores, memory)


@given(st.lists(st.none() | st.integers(1, 1 << 50), min_size=1, max_size=6))
def test_the_least_of_a_chain_counts(tmp_path_factory: pytest.TempPathFactory, limits: list[int | None]) -> None:
    folders = ["/".join("abcdef"[:depth]) for depth in range(len(limits))]
    files = {
        f"{folder}/memory.max".lstrip("/"): "max" if limit is None else str(limit)
        for folder, limit in zip(folders, limits, strict=True)
    }
    sys = put(tmp_path_factory.mktemp("sys"), files)

    least = min((limit for limit in limits if limit is not None), default=None)

    assert memory_limit(f"0::/{folders[-1]}\n", sys) == least


@pytest.mark.parametrize(
    ("memberships", "files", "left"),
    [
        (V2, {}, None),
        (V2, {"slurm/job_7/memory.max": "max", "slurm/job_7/memory.current": "70"}, None),
        (V2, {"slurm/job_7/memory.max": "100"}, 100),
        (V2, {"slurm/job_7/memory.max": "100", "slurm/job_7/memory.current": "70"}, 30),
        (V2, {"slurm/job_7/memory.max": "100", "slurm/job_7/memory.current": "130"}, 0),
        (
            V2,
            {
                "slurm/job_7/memory.max": "100",
                "slurm/job_7/memory.current": "70",
                "slurm/job_7/memory.stat": "anon 20\nfile 50\ninactive_file 30\nactive_file 15",
                "slurm/memory.max": "120",
                "slurm/memory.current": "110",
            },
            10,
        ),
        (
            V1,
            {
                "memory/docker/abc/memory.limit_in_bytes": "100",
                "memory/docker/abc/memory.usage_in_bytes": "90",
                "memory/docker/abc/memory.stat": "inactive_file 1\nactive_file 1\ntotal_inactive_file 40\n"
                "total_active_file 10",
                "memory/memory.limit_in_bytes": NO_LIMIT,
                "memory/memory.usage_in_bytes": "900",
            },
            60,
        ),
    ],
)
def test_what_is_used_is_not_left_and_cached_files_are(
    tmp_path: Path, memberships: str, files: dict[str, str], left: int | None
) -> None:
    assert memory_left(memberships, put(tmp_path, files)) == left
