"""The disk under a mount is found in `/sys`, also under a partition, and a server across the network has none."""

from pathlib import Path

import pytest

from shardkit.host.mounts import Disk, Mount, find_disk, find_read_ahead


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
