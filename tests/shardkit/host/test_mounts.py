"""The kernel's table of mounts is read as the kernel wrote it."""

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shardkit.host.mounts import Disk, FileSystemKind, Mount, find_disk, find_read_ahead, mount_of, parse_mounts


@pytest.fixture
def sys(tmp_path: Path) -> Path:
    for folder in ("dev/block", "class/block", "class/bdi/0:52"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "class/bdi/0:52/read_ahead_kb").write_text("128\n")
    return tmp_path


def plug_in(sys: Path, name: str, number: str, scheduler: str = "[none] bfq", *, rotates: str = "0") -> None:
    """A disk with one partition, as the kernel shows it: the folder of the partition lies in that of the disk."""
    queue = sys / "devices/pci" / name / "queue"
    for folder in (queue, queue.parent / f"{name}1"):
        folder.mkdir(parents=True)
    for setting, value in {"scheduler": scheduler, "rotational": rotates, "read_ahead_kb": "4096"}.items():
        (queue / setting).write_text(f"{value}\n")
    (sys / "dev/block" / f"{number}:0").symlink_to(queue.parent)
    (sys / "dev/block" / f"{number}:1").symlink_to(queue.parent / f"{name}1")
    (sys / "class/block" / f"{name}1").symlink_to(queue.parent / f"{name}1")


def mount(device: str, type_: str = "ext4", source: str = "/dev/sda1") -> Mount:
    return Mount("/data", device, type_, source, ("rw",))


@pytest.mark.parametrize("device", ["8:0", "8:1"])
def test_a_disk_and_its_partition_have_one_queue(sys: Path, device: str) -> None:
    plug_in(sys, "sda", "8", rotates="1")

    assert find_disk(mount(device), sys) == Disk("sda", "none", rotational=True)
    ahead = find_read_ahead(mount(device), sys)
    assert ahead is not None
    assert ahead.kib == 4_096
    assert Path(ahead.setting).samefile(sys / "devices/pci/sda/queue/read_ahead_kb")


@pytest.mark.parametrize(
    ("said", "chosen"),
    [("none [mq-deadline] kyber", "mq-deadline"), ("[bfq]", "bfq"), ("none", "none"), ("", None)],
)
def test_the_scheduler_is_the_one_in_brackets(sys: Path, said: str, chosen: str | None) -> None:
    plug_in(sys, "sda", "8", said)

    assert find_disk(mount("8:0"), sys) == Disk("sda", chosen, rotational=False)


@pytest.mark.parametrize("name", ["vda", "xvda"])
def test_a_virtual_disk_is_not_believed_to_rotate(sys: Path, name: str) -> None:
    plug_in(sys, name, "254", rotates="1")

    assert find_disk(mount("254:0"), sys) == Disk(name, "none", rotational=None)


def test_btrfs_is_followed_to_its_disk_whose_read_ahead_it_does_not_use(sys: Path) -> None:
    plug_in(sys, "sda", "8")
    btrfs = mount("0:45", "btrfs")

    assert find_disk(btrfs, sys) == Disk("sda", "none", rotational=False)
    assert find_read_ahead(btrfs, sys) is None


def test_a_server_has_a_read_ahead_and_no_disk(sys: Path) -> None:
    nfs = mount("0:52", "nfs4", "server:/export")

    assert find_disk(nfs, sys) is None
    ahead = find_read_ahead(nfs, sys)
    assert ahead is not None
    assert (ahead.kib, ahead.setting) == (128, str(sys / "class/bdi/0:52/read_ahead_kb"))


TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
36 27 8:17 /sub /mnt/my\040disk ro,noatime master:1 shared:2 - xfs /dev/mapper/a\134b rw,attr2
40 36 0:52 / /mnt/my\040disk/far rw,relatime - nfs4 server:/export rw,local_lock=none
"""

paths = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20).map("/".__add__)

words = st.text("abcdefghijklmnopqrstuvwxyz_0123456789=.", min_size=1, max_size=12)


def escaped(field: str) -> str:
    """As the kernel's `mangle` does."""
    return "".join(f"\\{ord(each):03o}" if each in " \t\n\\#" else each for each in field)


def test_every_field_is_found_where_it_stands() -> None:
    _, root, disk, far = parse_mounts(TABLE)

    assert root == Mount("/", "254:0", "ext4", "/dev/vda", ("rw", "relatime", "discard"))
    assert disk == Mount("/mnt/my disk", "8:17", "xfs", "/dev/mapper/a\\b", ("ro", "noatime", "rw", "attr2"))
    assert far.source == "server:/export"


@example("/a\rb\u2028c", "/dev/sda", ["rw"], [])
@given(paths, paths, st.lists(words, min_size=1), st.lists(words.map("shared:".__add__)))
def test_what_the_kernel_escapes_comes_back(point: str, source: str, options: list[str], tags: list[str]) -> None:
    mounted = " ".join(["36", "35", "98:0", "/", escaped(point), ",".join(options), *tags])
    line = f"{mounted} - fuse.sshfs {escaped(source)} rw\n"

    [read] = parse_mounts(line)

    assert read == Mount(point, "98:0", "fuse.sshfs", source, tuple(dict.fromkeys([*options, "rw"])))


@pytest.mark.parametrize(
    ("path", "point"),
    [
        ("/", "/"),
        ("/home/me", "/"),
        ("/mnt/my disk", "/mnt/my disk"),
        ("/mnt/my disk/fingers", "/mnt/my disk"),
        ("/mnt/my disk/far/fingers", "/mnt/my disk/far"),
        ("/mnt/my disk/farther", "/mnt/my disk"),
    ],
)
def test_a_path_lies_on_the_longest_mount_above_it(path: str, point: str) -> None:
    mount = mount_of(PurePosixPath(path), parse_mounts(TABLE))

    assert mount is not None
    assert mount.point == point


def test_the_later_of_two_mounts_on_one_point_hides_the_other() -> None:
    table = "1 0 8:1 / /data rw - ext4 /dev/sda1 rw\n2 1 8:2 / /data rw - xfs /dev/sdb1 rw\n"

    mount = mount_of(PurePosixPath("/data/x"), parse_mounts(table))

    assert mount is not None
    assert mount.type == "xfs"


def test_without_a_table_nothing_is_claimed() -> None:
    assert mount_of(PurePosixPath("/data"), parse_mounts("")) is None


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        *[(each, FileSystemKind.LOCAL) for each in ("ext4", "xfs", "btrfs", "zfs", "fuseblk")],
        *[
            (each, FileSystemKind.NETWORK)
            for each in ("nfs", "nfs4", "cifs", "lustre", "gpfs", "ceph", "fuse.sshfs", "fuse.s3fs")
        ],
        *[(each, FileSystemKind.OVERLAY) for each in ("overlay", "fuse.fuse-overlayfs")],
        *[(each, FileSystemKind.MEMORY) for each in ("tmpfs", "ramfs")],
    ],
)
def test_a_type_has_its_kind(type_: str, kind: FileSystemKind) -> None:
    assert Mount("/data", "0:1", type_, "none", ("rw",)).kind is kind
