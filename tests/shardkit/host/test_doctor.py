"""Each fact that would hurt a million files has a finding that says what it does and what changes it."""

import errno
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import StorageFailing, UsageError
from shardkit.host.doctor import diagnose, locate, try_operations
from shardkit.host.facts import Contents, Cores, Host, Limit, Location, Space
from shardkit.host.findings import Finding, Severity
from shardkit.host.mounts import Disk, Mount, ReadAheadSetting
from tests.shardkit.host.hosts import GB, SOUND

ADVICE, PROBLEM = Severity.ADVICE, Severity.PROBLEM


def mounted(type_: str, *options: str) -> Mount:
    return Mount("/my data", "8:1", type_, "/dev/sda1", ("rw", *options))


def complaints(host: Host) -> list[Finding]:
    return [finding for finding in diagnose(host) if finding.severity in {PROBLEM, ADVICE}]


def with_memory(**facts: Any) -> dict[str, object]:  # noqa: ANN401 - any field of Memory
    return {"memory": replace(SOUND.memory, **facts)}


def test_a_sound_host_gets_no_advice() -> None:
    assert complaints(SOUND) == []


@pytest.mark.parametrize(
    ("facts", "topic", "severity", "change"),
    [
        ({"mount": mounted("ext4", "relatime")}, "access times", ADVICE, "mount -o remount,noatime '/my data' "),
        ({"mount": mounted("xfs")}, "access times", ADVICE, "mount -o remount,noatime '/my data' "),
        ({"mount": mounted("nfs4")}, "storage", ADVICE, "rsync -a /data/ LOCAL_DISK/"),
        ({"mount": mounted("fuse.sshfs")}, "storage", ADVICE, "rsync -a /data/ LOCAL_DISK/"),
        ({"mount": mounted("overlay")}, "storage", ADVICE, "docker run -v /A/DISK:/data "),
        ({"mount": mounted("tmpfs")}, "storage", ADVICE, "keep a dataset on a disk"),
        (
            {"mount": mounted("ext4", "noatime", "nobarrier")},
            "durability",
            PROBLEM,
            "mount -o remount,barrier '/my data'",
        ),
        ({"mount": mounted("ext3", "noatime", "barrier=0")}, "durability", PROBLEM, "mount -o remount,barrier=1 "),
        ({"space": Space(900 * GB, 900_000, 1_000_000)}, "inodes", ADVICE, "mkfs.ext4 -i 8192 /dev/nvme0n1p1 "),
        ({"space": Space(900 * GB, 900, 1_000_000)}, "inodes", PROBLEM, "mkfs.ext4 -i 8192 /dev/nvme0n1p1 "),
        ({"space": Space(GB // 2, 9_000_000, 9_000_000)}, "free space", PROBLEM, "free some"),
        ({"disk": Disk("nvme0n1", "bfq", rotational=False)}, "scheduler", ADVICE, "echo none > /sys/block/nvme0n1/"),
        ({"disk": Disk("sda", "bfq", rotational=True)}, "disk", ADVICE, "train from a packed dataset"),
        ({"read_ahead": ReadAheadSetting(128, "/sys/it")}, "read-ahead", ADVICE, "echo 4096 > /sys/it"),
        ({"refusals": {"lock a folder": "no locks"}}, "writing", PROBLEM, "pack on a local disk"),
        ({"place": replace(SOUND.place, writable=False)}, "writing", PROBLEM, "name another folder"),
        ({"open_files": Limit(1_024, 524_288)}, "open files", ADVICE, "ulimit -n 65536 "),
        ({"open_files": Limit(1_024, None)}, "open files", ADVICE, "ulimit -n 65536 "),
        ({"open_files": Limit(1_024, 4_096)}, "open files", ADVICE, "* - nofile 65536 "),
        ({"open_files": Limit(256, 4_096)}, "open files", PROBLEM, "* - nofile 65536 "),
        ({"locked_memory": Limit(8_388_608, None)}, "locked memory", ADVICE, "ulimit -l unlimited"),
        ({"cores": Cores(16, 16, 1.5)}, "cores", ADVICE, "docker run --cpus=8 "),
        ({"cores": Cores(16, 1, None)}, "cores", ADVICE, "docker run --cpus=8 "),
        (with_memory(limit=4 * GB), "memory", ADVICE, "shardkit pack SRC DST --size 299 "),
        (with_memory(total=4 * GB), "memory", ADVICE, "shardkit pack SRC DST --size 299 "),
        (with_memory(shared=64_000_000), "shared memory", ADVICE, "mount -o remount,size=8G /dev/shm"),
        (with_memory(overcommits=False), "overcommit", ADVICE, "sysctl vm.overcommit_memory=0"),
    ],
)
def test_one_fact_that_hurts_is_one_finding(
    facts: Mapping[str, Any], topic: str, severity: Severity, change: str
) -> None:
    [finding] = complaints(replace(SOUND, **facts))

    assert (finding.topic, finding.severity) == (topic, severity)
    assert change in finding.changes[0]


@pytest.mark.parametrize(
    "facts",
    [
        {"mount": None, "disk": None, "read_ahead": None},
        {"mount": mounted("ext4", "relatime", "lazytime")},
        {"mount": mounted("ext4", "relatime", "ro")},
        {"space": Space(900 * GB, 0, 0)},
        {"disk": Disk("vda", None, rotational=None)},
        {"place": replace(SOUND.place, writable=False, contents=Contents.SOURCE_TREE), "refusals": {}},
        {"open_files": Limit(None, None)},
        {"locked_memory": Limit(8_388_608, None), "infiniband": False},
        {"cores": Cores(16, 4, 4.0)},
        with_memory(total=None, shared=None),
    ],
)
def test_what_does_not_hurt_is_not_complained_about(facts: Mapping[str, Any]) -> None:
    assert complaints(replace(SOUND, **facts)) == []


def test_locks_that_stay_on_one_machine_are_a_finding_of_their_own() -> None:
    findings = complaints(replace(SOUND, mount=mounted("nfs", "local_lock=all")))

    assert [finding.topic for finding in findings] == ["storage", "locks"]


def test_a_volatile_overlay_cannot_be_mended_in_place() -> None:
    [durability, _] = complaints(replace(SOUND, mount=mounted("overlay", "volatile")))

    assert durability.changes == ("mount '/my data' again without volatile",)


@pytest.mark.parametrize(
    ("type_", "change"),
    [("xfs", "xfs_growfs -m 50 '/my data' "), ("tmpfs", "nr_inodes=4M"), ("lustre", "raise the quota")],
)
def test_each_file_system_gets_more_inodes_in_its_own_way(type_: str, change: str) -> None:
    host = replace(SOUND, mount=mounted(type_, "noatime"), space=Space(900 * GB, 5, 1_000))

    [finding] = [each for each in complaints(host) if each.topic == "inodes"]
    assert change in finding.changes[0]


hosts = st.builds(
    Host,
    place=st.sampled_from([replace(SOUND.place, contents=each) for each in Contents]),
    mount=st.none() | st.sampled_from(["ext4", "nfs", "tmpfs", "overlay", "btrfs"]).map(mounted),
    space=st.builds(Space, st.integers(0, 1 << 60), st.integers(0, 1 << 40), st.integers(0, 1 << 40)),
    disk=st.none() | st.builds(Disk),
    read_ahead=st.none() | st.builds(ReadAheadSetting, st.integers(0, 1 << 20)),
    refusals=st.dictionaries(st.sampled_from(["publish a file"]), st.none() | st.text()),
)


@given(hosts)
def test_the_worst_comes_first_and_every_complaint_says_why_and_what_to_do(host: Host) -> None:
    findings = diagnose(host)

    assert [each.severity for each in findings] == sorted(
        (each.severity for each in findings), key=[PROBLEM, ADVICE, Severity.SKIPPED, Severity.OK].index
    )
    for finding in complaints(host):
        assert finding.why.endswith(".")
        assert all(finding.changes)
        assert finding.changes


@pytest.mark.parametrize(
    ("files", "contents"),
    [
        ([], Contents.EMPTY),
        (["notes.txt"], Contents.OTHER),
        (["folder/"], Contents.OTHER),
        (["manifest.json", "train-000000.tar"], Contents.DATASET),
        ([".shardkit/plan.parquet"], Contents.UNFINISHED),
        (["batch_00000/subject_000000/impression_00.png"], Contents.SOURCE_TREE),
        (["000000/00.PNG"], Contents.SOURCE_TREE),
        (["recipe.json", "images.bin", "labels.bin"], Contents.SOURCE_TREE),
    ],
)
def test_a_folder_is_what_lies_in_it(tmp_path: Path, files: list[str], contents: Contents) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()

    assert locate(tmp_path) == Location(str(tmp_path), str(tmp_path), contents, writable=True)


def test_a_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "images.bin").touch()

    assert locate(tmp_path / "images.bin").contents is Contents.FILE


def test_a_folder_that_does_not_exist_yet_means_the_one_above(tmp_path: Path) -> None:
    assert locate(tmp_path / "new") == Location(str(tmp_path / "new"), str(tmp_path), Contents.EMPTY, writable=True)


def test_a_relative_path_means_the_folder_one_is_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert locate(Path("new")).checked == str(tmp_path)


def test_nothing_and_nothing_above_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"neither this nor .*/far exists\. Name the folder"):
        locate(tmp_path / "far/new")


def test_below_a_file_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match="file is a file"):
        locate(tmp_path / "file/new")


def test_a_glance_does_not_grow_with_the_tree(tmp_path: Path) -> None:
    for subject in range(300):
        (tmp_path / f"{subject:03}/deep").mkdir(parents=True)

    with mock.patch.object(os, "scandir", wraps=os.scandir) as looks:
        assert locate(tmp_path).contents is Contents.OTHER
    assert looks.call_count < 10


def write(folder: Path) -> None:
    (folder / "file").write_text("tried")


def fail(folder: Path) -> None:
    write(folder)
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def object_to(_folder: Path) -> None:
    raise StorageFailing("both got it")


def test_each_attempt_has_its_answer_and_nothing_stays(tmp_path: Path) -> None:
    said = try_operations(tmp_path, {"write": write, "fail": fail, "object": object_to})

    assert said == {"write": None, "fail": "[Errno 37] No locks available", "object": "both got it"}
    assert list(tmp_path.iterdir()) == []


def test_where_no_folder_can_be_made_nothing_else_is_tried(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch.object(os, "mkdir", side_effect=full):
        assert try_operations(tmp_path, {"write": write}) == {"make a folder": "[Errno 28] No space left on device"}
