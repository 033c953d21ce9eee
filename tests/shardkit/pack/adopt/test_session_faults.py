"""Adopting, killed at every operation, and with tars made to harm."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shardkit.errors import Damaged, Mismatch, ShardkitError, UsageError
from shardkit.format.tables import INDEX
from shardkit.pack.adopt import tar_indexer
from shardkit.pack.adopt.receipts import AdoptOptions
from shardkit.pack.adopt.session import adopt_tars, plan_adoption
from shardkit.parallel import Progress
from shardkit.reader.dataset import open_dataset
from tests.faults.operations import Nth, failing, watched
from tests.foreign_tars import member, pax, samples, tar, write
from tests.packed import files
from tests.pictures import png

OPTIONS = AdoptOptions(None, "label", "train")


class Killed(BaseException):
    """As far as code can tell, what a kill is: nothing after it runs, but what must."""


def kill() -> None:
    raise Killed


def adopt(folder: Path, watch: Progress = lambda _images, _size: None) -> None:
    wanted = plan_adoption([str(each) for each in sorted(folder.glob("*.tar"))], folder, OPTIONS)
    adopt_tars(wanted, 1, watch)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    write(folder / "train-0.tar", samples(1) | {"x/1.txt": b""})
    return folder


def test_killed_at_any_operation_the_same_command_makes_the_same_dataset(web: Path, tmp_path: Path) -> None:
    adopt(copytree(web, tmp_path / "undisturbed"))
    undisturbed = files(tmp_path / "undisturbed")

    for number in count(1):
        folder = copytree(web, tmp_path / str(number))
        nth = Nth(number, kill, on=True)
        try:
            with watched(nth, folders=False):
                adopt(folder)
        except Killed:
            assert not (folder / "manifest.json").exists() or files(folder).keys() >= undisturbed.keys()
        adopt(folder)
        assert files(folder) == undisturbed
        if nth.untouched:
            break


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_is_told_and_the_same_command_goes_on(code: int, web: Path, tmp_path: Path) -> None:
    for number in count(1):
        folder = copytree(web, tmp_path / str(number))
        nth = Nth(number, failing(code))
        with watched(nth, folders=False):
            try:
                adopt(folder)
            except ShardkitError as error:
                assert error.exit_code in {6, 7}  # noqa: PT017
        adopt(folder)
        assert (folder / "manifest.json").exists()
        if nth.untouched:
            break


def test_a_tar_that_changes_while_it_is_read_is_not_adopted(web: Path) -> None:
    def grow(_images: int, _size: int) -> None:
        with (web / "train-0.tar").open("ab") as file:
            file.write(bytes(512))

    with pytest.raises(Mismatch, match="was changed while it was read"):
        adopt(web, grow)


def test_a_run_that_goes_on_reads_no_tar_twice(web: Path) -> None:
    (web / "val-0.tar").write_bytes(b"damaged")
    with pytest.raises(ShardkitError):
        adopt(web)
    write(web / "val-0.tar", samples(1, impressions=1, first=1))
    told: list[tuple[int, int]] = []

    adopt(web, lambda images, size: told.append((images, size)))

    read, kept = sorted(told)
    assert kept == (2, (web / "train-0.tar").stat().st_size)
    assert read[0] == 1


PART = ".shardkit/adopted/train-0.tar.parquet"
SKIPS = ".shardkit/adopted/train-0.tar.skipped.jsonl"


def begun(web: Path) -> Path:
    """Read to the end but for the manifest, as a kill leaves it."""
    with watched(lambda _name: kill() if (web / "B3SUMS").exists() else None), pytest.raises(Killed):
        adopt(web)
    assert (web / PART).exists()
    return web


@pytest.mark.parametrize("name", ["index", ".shardkit", ".shardkit/adopted", ".shardkit/lock", PART, SKIPS, "B3SUMS"])
@pytest.mark.parametrize("odd", ["folder", "file", "absent", "pipe"])
def test_a_folder_of_an_untrusted_source_leads_nowhere(name: str, odd: str, web: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (victim / "folder").mkdir(parents=True)
    for each in ("file", "folder/train-0.parquet", "folder/train-00000.parquet", "folder/adopted"):
        (victim / each).write_bytes(b"precious")
    before = files(victim)
    begun(web)
    there = web / name
    rmtree(there) if there.is_dir() else there.unlink(missing_ok=True)
    os.mkfifo(there) if odd == "pipe" else there.symlink_to(victim / odd)

    with suppress(ShardkitError):
        adopt(web)

    assert files(victim) == before
    assert sorted(each.name for each in victim.iterdir()) == ["file", "folder"]


def changed(web: Path, change: Callable[[dict[str, Any], list[dict[str, Any]]], object]) -> None:
    """A part that says something else about its tar."""
    file = pq.ParquetFile(web / PART)
    part, rows = json.loads(file.metadata.metadata[b"shardkit"]), file.read().to_pylist()
    change(part, rows)
    with pq.ParquetWriter(web / PART, INDEX) as writer:
        writer.write_table(pa.Table.from_pylist(rows, INDEX))
        writer.add_key_value_metadata({b"shardkit": json.dumps(part)})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "../x.tar"),
        ("split", "../x"),
        ("split", "val"),
        ("samples", 3),
        ("samples", 1 << 40),
        ("skipped", {"\x1b[2J": 1}),
        ("blake3", "x\n"),
        ("other", "zz"),
        ("other", "00"),
        ("skips", "00" * 32),
        ("size", -1),
        ("options", {}),
        ("ignored", "x"),
        ("more", 1),
    ],
)
def test_a_part_that_lies_is_read_again(field: str, value: object, web: Path, tmp_path: Path) -> None:
    adopt(copytree(web, tmp_path / "undisturbed"))
    changed(begun(web), lambda part, _rows: part.update({field: value}))

    adopt(web)

    assert files(web) == files(tmp_path / "undisturbed")


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_damaged_part_is_read_again(content: bytes, web: Path, tmp_path: Path) -> None:
    adopt(copytree(web, tmp_path / "undisturbed"))
    (begun(web) / PART).write_bytes(content)

    adopt(web)

    assert files(web) == files(tmp_path / "undisturbed")


def test_a_list_of_skips_that_is_missing_is_written_again(web: Path, tmp_path: Path) -> None:
    adopt(copytree(web, tmp_path / "undisturbed"))
    (begun(web) / SKIPS).unlink()

    adopt(web)

    assert files(web) == files(tmp_path / "undisturbed")


@pytest.mark.parametrize(
    "change", [{"label": 1 << 40}, {"label": -2}, {"subject": None}, {"image": None}, {"sidecars": None}]
)
def test_rows_of_a_part_that_cannot_be_are_damage_with_a_way_out(change: dict[str, object], web: Path) -> None:
    changed(begun(web), lambda _part, rows: rows[0].update(change))

    with pytest.raises(Damaged, match=rf"train-0\.tar\.parquet: this table .* rm {web / PART}"):
        adopt(web)

    (web / PART).unlink()
    adopt(web)


PICKLE = b"cos\nsystem\n(S'touch harmed'\ntR."
HOSTILE = {
    "a/1.png": png(),
    "a/1.pyd": b"import os; os.system('touch harmed')",
    "a/1.pkl": PICKLE,
    "a/1.py": b"raise SystemExit",
    "a/1.json": b'{"label": "__import__(\'os\')", "url": "pipe:touch harmed"}',
    "a/2.npy": b"\x93NUMPY\x01\x00\x76\x00"
    + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
    + b"\n"
    + PICKLE,
    "a/3.npy": b"\x93NUMPY\x01\x00\x76\x00" + b"__import__('os').system('touch harmed')".ljust(117) + b"\n",
    "a/4.npy.zst": PICKLE,
    "a/5.jpg": b"GIF89a" + PICKLE,
    "__init__.py": b"raise SystemExit",
}
WATCHING = """
import json, os, sys
from pathlib import Path
from shardkit.reader.dataset import open_dataset
from shardkit.format.tables import INDEX
from shardkit.pack.adopt.session import adopt_tars, plan_adoption
from shardkit.pack.adopt.receipts import AdoptOptions
from shardkit.parallel import Progress

def run(folder):
    tars = [str(each) for each in sorted(Path(folder).glob("*.tar"))]
    adopt_tars(plan_adoption(tars, Path(folder), AdoptOptions(None, "label", "train")), 2, lambda images, size: None)
    dataset = open_dataset(folder)
    return [sample.key for shard in dataset.shards for sample in dataset.samples(shard)]

run(sys.argv[1])  # so that all that is imported is there
events, written = [], []

def hook(event, args):
    events.append(event)
    if event == "open" and isinstance(args[0], str | os.PathLike) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written.append(str(args[0]))

sys.addaudithook(hook)
keys = run(sys.argv[2])
seen, touched = sorted(set(events)), sorted(written)
print(json.dumps({"keys": keys, "events": seen, "written": touched}))
"""


def test_nothing_of_a_hostile_set_is_run(tmp_path: Path) -> None:
    harmless, hostile = tmp_path / "harmless", tmp_path / "hostile"
    for folder, content in ((harmless, samples(1)), (hostile, HOSTILE)):
        folder.mkdir()
        write(folder / "train-0.tar", content)
    (hostile / "train-1.tar").write_bytes(
        tar(pax(b"path=b/1.png", b"SCHILY.xattr.user.x=pipe:touch harmed"), member(b"x", png(seed=1)))
    )

    ended = subprocess.run(
        [sys.executable, "-c", WATCHING, harmless, hostile], capture_output=True, text=True, check=True, cwd=tmp_path
    )

    seen = json.loads(ended.stdout)
    assert seen["keys"] == ["a/1", "b/1"]
    forbidden = (
        "exec",
        "compile",
        "import",
        "pickle",
        "marshal",
        "subprocess",
        "os.system",
        "os.exec",
        "os.posix_spawn",
    )
    assert not [event for event in seen["events"] if event.startswith((*forbidden, "socket", "ctypes", "os.fork"))]
    assert seen["written"]
    # A file in an open folder of the dataset is seen without its folder.
    assert all(path.startswith(f"{hostile}/") or "/" not in path for path in seen["written"])
    assert sorted(each.name for each in tmp_path.iterdir()) == ["harmless", "hostile"]


@pytest.mark.parametrize("most", [3, 4])
def test_a_tar_of_more_samples_than_readers_take_is_refused(
    web: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    write(web / "train-0.tar", samples(2))
    monkeypatch.setattr(tar_indexer, "MAX_SAMPLES", most)
    if most == 4:
        adopt(web)
        assert open_dataset(web).manifest.current.packed == 4
    else:
        with pytest.raises(UsageError, match=r"train-0\.tar: holds more than 3 samples\. Split it"):
            adopt(web)
