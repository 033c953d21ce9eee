"""Every damage that FAULTS 15 and 16 name is found, named and located, and nothing else is."""

import errno
import os
import weakref
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from shardkit.errors import UsageError
from shardkit.format.tar import END_BLOCKS
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Shard
from shardkit.storage import local
from shardkit.storage.atomic import temp_path
from shardkit.verify.findings import FindingKind
from shardkit.verify.member_table import MemberTable, member_table
from shardkit.verify.verifier import Level, prepare_verification, run_verification
from tests.shardkit.verify.small import Small, flipped, flips, packed

Damage = Callable[[Small], None]


def first(small: Small) -> tuple[Path, Shard]:
    shard = open_dataset(small.folder).shards[0]
    return small.folder / shard.name, shard


@pytest.mark.parametrize("level", Level)
def test_nothing_is_found_in_a_sound_dataset(small: Small, level: Level) -> None:
    report = small.verified(level)

    assert report.findings == ()
    assert (report.samples, report.files, report.notes) == (27, 11, ())


def test_every_flipped_bit_is_one_finding_and_in_a_shard_names_sample_and_byte(small: Small) -> None:
    sound = small.files
    for name, offset, content in flips(sound, 150, seed=15):
        (small.folder / name).write_bytes(content)
        (finding,) = small.findings()
        (small.folder / name).write_bytes(sound[name])

        assert finding.file == name
        if name.endswith(".tar"):
            assert finding.offset is not None
            assert finding.offset == offset or (finding.kind is FindingKind.PAYLOAD and finding.offset < offset)
            assert (finding.key is None) == (offset >= len(content) - len(END_BLOCKS))
        assert str(finding).isprintable()


def test_a_finding_in_a_payload_names_what_was_packed_there(small: Small) -> None:
    path, shard = first(small)
    sample = open_dataset(small.folder).samples(shard)[1]
    sidecar = sample.sidecars[0]
    path.write_bytes(flipped(path.read_bytes(), sidecar.offset + sidecar.size - 1))

    (finding,) = small.findings()
    assert (finding.kind, finding.key, finding.offset) == (FindingKind.PAYLOAD, sample.key, sidecar.offset)
    assert finding.expected == f"xxh3-128 {sidecar.xxh3.hex()}"
    assert sidecar.ext in finding.text


def test_truncation_at_every_block_names_the_first_sample_that_is_lost(small: Small) -> None:
    path, shard = first(small)
    samples = open_dataset(small.folder).samples(shard)
    content = path.read_bytes()
    for size in range(0, len(content), 512):
        path.write_bytes(content[:size])
        (finding,) = small.findings()

        lost = [each.key for each in samples if each.members[-1].offset + each.members[-1].size > size]
        assert (finding.kind, finding.file, finding.offset) == (FindingKind.SIZE, shard.name, size)
        assert finding.key == (lost[0] if lost else None)


def swap(small: Small) -> None:
    one, other = small.tars[:2]
    one_content, other_content = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_content)
    other.write_bytes(one_content)


def rename(small: Small) -> None:
    small.tars[0].rename(small.folder / "other.tar")


def rename_all(small: Small) -> None:
    for tar in small.tars:
        tar.rename(tar.with_suffix(".old"))


def append(small: Small) -> None:
    with small.tars[0].open("ab") as tar:
        tar.write(b"garbage")


def link(small: Small) -> None:
    tar = small.tars[0]
    tar.rename(small.folder.parent / "elsewhere.tar")
    tar.symlink_to(small.folder.parent / "elsewhere.tar")


def pipe(small: Small) -> None:
    tar = small.tars[0]
    tar.unlink()
    os.mkfifo(tar)


def leave(small: Small) -> None:
    temp_path(small.tars[0]).write_bytes(b"half")


TARS = ("train-000000", "train-000001", "val-000000")
DAMAGES: dict[str, tuple[Damage, set[tuple[FindingKind, str]]]] = {
    "swapped": (swap, {(FindingKind.MISPLACED, "train-000000.tar"), (FindingKind.MISPLACED, "train-000001.tar")}),
    "removed": (lambda small: small.tars[0].unlink(), {(FindingKind.MISSING, "train-000000.tar")}),
    "renamed": (rename, {(FindingKind.MISSING, "train-000000.tar"), (FindingKind.MISPLACED, "other.tar")}),
    "all renamed": (
        rename_all,
        {(FindingKind.MISSING, f"{name}.tar") for name in TARS}
        | {(FindingKind.MISPLACED, f"{name}.old") for name in TARS},
    ),
    "appended to": (append, {(FindingKind.SIZE, "train-000000.tar")}),
    "a link": (link, {(FindingKind.ODD, "train-000000.tar")}),
    "a pipe": (pipe, {(FindingKind.ODD, "train-000000.tar")}),
    "added": (lambda small: (small.folder / "x\n.txt").touch(), {(FindingKind.EXTRA, "x\n.txt")}),
    "added to the index": (lambda small: (small.folder / "index/x").touch(), {(FindingKind.EXTRA, "index/x")}),
    "a folder added": (lambda small: (small.folder / "more").mkdir(), {(FindingKind.EXTRA, "more")}),
    "a killed process": (leave, {(FindingKind.LEFTOVER, ".train-000000.tar.part")}),
    "no index": (
        lambda small: (small.folder / "index/val-00000.parquet").unlink(),
        {(FindingKind.MISSING, "index/val-00000.parquet")},
    ),
    "no shards": (lambda small: (small.folder / "shards.parquet").unlink(), {(FindingKind.MISSING, "shards.parquet")}),
    "no sums": (lambda small: (small.folder / "B3SUMS").unlink(), {(FindingKind.MISSING, "B3SUMS")}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_with_the_files_has_a_name(small: Small, name: str) -> None:
    damage, expected = DAMAGES[name]
    damage(small)

    assert {(each.kind, each.file) for each in small.findings()} == expected


def test_quick_sees_which_files_there_are_and_how_large(small: Small) -> None:
    small.tars[0].write_bytes(flipped(small.tars[0].read_bytes(), 2000))
    assert small.findings(Level.QUICK) == ()

    append(small)
    (small.folder / "x").touch()
    small.tars[1].unlink()
    assert {each.kind for each in small.findings(Level.QUICK)} == {
        FindingKind.SIZE,
        FindingKind.EXTRA,
        FindingKind.MISSING,
    }


@pytest.mark.parametrize("name", ["index/train-00000.parquet", "shards.parquet", "manifest.json"])
def test_a_damaged_table_keeps_no_shard_from_being_checked(small: Small, name: str) -> None:
    path = small.folder / name
    path.write_bytes(path.read_bytes()[:-100])
    for tar in small.tars:
        tar.write_bytes(flipped(tar.read_bytes(), 2000))

    assert {each.file for each in small.findings()} == {name, *(tar.name for tar in small.tars)}


def test_a_disk_that_fails_within_a_shard_costs_the_samples_there(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, shard = first(small)
    bad = open_dataset(small.folder).samples(shard)[2]
    read = local.read_into

    def failing(descriptor: int, into: memoryview, offset: int) -> int:
        if offset <= bad.image.offset < offset + len(into) and os.fstat(descriptor).st_size == shard.size:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, into, offset)

    monkeypatch.setattr("shardkit.verify.tar.read_into", failing)
    monkeypatch.setattr("shardkit.storage.local.read_into", failing)
    findings = [each for each in small.findings() if each.file == shard.name]

    assert {(each.kind, each.key) for each in findings} == {(FindingKind.UNREADABLE, bad.key)}


def test_a_disk_that_fails_under_a_listed_file_is_a_finding_at_every_level(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = small.tars[0]
    read = local.read_into

    def failing(descriptor: int, into: memoryview, offset: int) -> int:
        if os.fstat(descriptor).st_ino == bad.stat().st_ino:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(descriptor, into, offset)

    for module in ("storage.local", "verify.tar", "verify.shard"):
        monkeypatch.setattr(f"shardkit.{module}.read_into", failing)
    small.tars[1].write_bytes(flipped(small.tars[1].read_bytes(), 2000))
    findings = small.findings(Level.DECODE)

    assert {each.file for each in findings} == {bad.name, small.tars[1].name, "SHA256SUMS"}
    assert {each.kind for each in findings if each.file == bad.name} == {FindingKind.UNREADABLE}


def test_rows_are_dropped_when_their_shard_has_been_checked(
    origin: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Small(origin.source, packed(origin.source, tmp_path / "packed", "--shard-size", "3KB"))
    made: list[weakref.ref[MemberTable]] = []
    most = 0

    def counted(rows: pa.Table) -> MemberTable:
        nonlocal most
        columns = member_table(rows)
        made.append(weakref.ref(columns))
        most = max(most, sum(each() is not None for each in made))
        return columns

    monkeypatch.setattr("shardkit.verify.shard.member_table", counted)
    report = run_verification(prepare_verification(small.folder), Level.BYTES, 1, lambda _samples, _size: None)

    assert (report.findings, len(small.tars), most) == ((), 9, 1)


def test_large_members_are_checked_piece_by_piece(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.verify.tar.CHUNK_SIZE", 256)
    monkeypatch.setattr("shardkit.storage.local.CHUNK_SIZE", 256)
    assert small.findings() == ()

    path, _ = first(small)
    for offset in (3, 600, 1500):
        content = path.read_bytes()
        path.write_bytes(flipped(content, offset))
        assert len(small.findings()) == 1
        path.write_bytes(content)


def test_an_unfinished_pack_is_a_note_and_no_finding(small: Small) -> None:
    (small.folder / ".shardkit").mkdir()
    report = small.verified()

    assert report.findings == ()
    assert "stopped" in report.notes[0]


def test_what_is_no_dataset_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="manifest"):
        prepare_verification(tmp_path)
