"""After a repair a dataset has the bytes that were packed, or says plainly what it lacks (FAULTS 19)."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from shardkit.errors import Damaged, UsageError
from shardkit.format import tables
from shardkit.format.manifest import read_manifest
from shardkit.format.tables import SHARDS, read_table
from shardkit.reader.dataset import open_dataset
from shardkit.schema import MANIFEST
from shardkit.storage.atomic import temp_path
from shardkit.storage.folder import DatasetFolder
from shardkit.verify.findings import FindingKind
from shardkit.verify.repair import tables as mend_tables
from tests.shardkit.verify.small import Small, flipped, flips, packed
from tests.shardkit.verify.test_verifier import append, leave, rename, rename_all, swap

TABLES = (
    "index/train-00000.parquet",
    "index/val-00000.parquet",
    "shards.parquet",
    "subjects-00000.parquet",
    "B3SUMS",
    "SHA256SUMS",
    MANIFEST,
)


def replaced_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


LOST: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: path.unlink(),
    "replaced by a pipe": replaced_by_pipe,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
}


def test_any_flipped_bit_is_mended_from_the_source(small: Small) -> None:
    sound = small.files
    for name, _, content in flips(sound, 40, seed=19):
        (small.folder / name).write_bytes(content)
        outcome = small.repaired(small.source)

        assert (small.files == sound, outcome.mended, outcome.left) == (True, (name,), ())


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("name", TABLES)
def test_a_lost_table_is_made_again_from_what_is_left(small: Small, name: str, how: str) -> None:
    sound = small.files
    LOST[how](small.folder / name)

    assert small.repaired().report.findings == ()
    assert small.files == sound


@pytest.mark.parametrize("name", ["skipped.jsonl", "train-000000.tar"])
@pytest.mark.parametrize("how", LOST)
def test_what_only_the_source_knows_is_asked_from_it(small: Small, name: str, how: str) -> None:
    sound = small.files
    LOST[how](small.folder / name)

    outcome = small.repaired()
    assert {finding.file for finding in outcome.report.findings} == {name}
    assert all("source" in why for why in outcome.left)
    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound


@pytest.mark.parametrize("damage", [swap, rename, rename_all, append, leave], ids=lambda each: each.__name__)
def test_shards_find_back_without_a_source(small: Small, damage: Callable[[Small], None]) -> None:
    sound = small.files
    damage(small)

    assert small.repaired().report.findings == ()
    assert small.files == sound


def test_a_repair_killed_between_two_renames_is_ended_by_the_next(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = small.files
    swap(small)
    moves, move = iter(range(3)), DatasetFolder.move

    def moved(folder: DatasetFolder, name: str, to: str) -> None:
        next(moves)
        move(folder, name, to)

    monkeypatch.setattr(DatasetFolder, "move", moved)
    with pytest.raises(StopIteration):
        small.repaired()
    monkeypatch.undo()

    assert small.files != sound
    assert small.repaired().report.findings == ()
    assert small.files == sound


def test_a_whole_copy_that_a_killed_process_left_is_used(small: Small) -> None:
    sound = small.files
    tar = small.tars[0]
    tar.rename(temp_path(tar))
    tar.write_bytes(flipped(sound[tar.name], 2000))

    assert small.repaired().mended == (tar.name,)
    assert small.files == sound


def test_a_shard_never_takes_the_place_of_what_may_be_the_only_copy(small: Small) -> None:
    one, other = small.tars[:2]
    other.write_bytes(one.read_bytes())
    sound = small.files

    outcome = small.repaired()
    assert [each.file for each in outcome.report.findings] == [other.name]
    assert {name: content for name, content in small.files.items() if name in sound} == sound
    assert small.repaired(small.source).report.findings == ()


def test_headers_padding_and_end_need_no_source(small: Small) -> None:
    sound = small.files
    samples = open_dataset(small.folder).samples(open_dataset(small.folder).shards[0])
    image = samples[0].image
    for offset in (5, image.offset + image.size, len(sound["train-000000.tar"]) - 1):
        small.tars[0].write_bytes(flipped(sound["train-000000.tar"], offset))

        assert small.repaired().mended == ("train-000000.tar",)
        assert small.files == sound


def test_a_lost_sample_is_named_and_put_into_quarantine(small: Small, tmp_path: Path) -> None:
    sound = small.files
    shard = open_dataset(small.folder).shards[0]
    lost = open_dataset(small.folder).samples(shard)[1]
    small.tars[0].write_bytes(flipped(sound[shard.name], lost.image.offset))
    changed = Path(shutil.copytree(small.source, tmp_path / "changed"))
    (changed / lost.source.decode()).write_bytes(b"another picture")

    outcome = small.repaired(changed)
    (finding,) = outcome.report.findings
    assert (finding.kind, finding.key) == (FindingKind.PAYLOAD, lost.key)
    assert lost.key in outcome.left[0]
    line = json.loads((small.folder / ".shardkit/quarantine.jsonl").read_text())
    assert (line["shard"], line["key"]) == (shard.name, lost.key)
    assert any("1 sample is in quarantine" in note for note in outcome.report.notes)

    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound


def test_only_damaged_samples_are_asked_from_the_source(small: Small, tmp_path: Path) -> None:
    sound = small.files
    shard = open_dataset(small.folder).shards[0]
    damaged, *others = open_dataset(small.folder).samples(shard)
    small.tars[0].write_bytes(flipped(sound[shard.name], damaged.image.offset))
    partial = Path(shutil.copytree(small.source, tmp_path / "partial"))
    for each in others:
        (partial / each.source.decode()).unlink()

    assert small.repaired(partial).report.findings == ()
    assert small.files == sound


@pytest.mark.parametrize("options", [("--codec", "zstd"), ("--size", "16", "--codec", "lz4"), ("--size", "16")])
def test_pixels_are_made_again_as_they_were(origin: Small, tmp_path: Path, options: tuple[str, ...]) -> None:
    small = Small(origin.source, packed(origin.source, tmp_path / "packed", *options))
    sound = small.files
    small.tars[0].unlink()
    (small.folder / "subjects-00000.parquet").unlink()
    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound

    (small.folder / "index/train-00000.parquet").unlink()
    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound


def test_everything_but_the_tars_and_one_table_may_be_damaged(small: Small) -> None:
    sound = small.files
    for name in ("index/train-00000.parquet", "subjects-00000.parquet", "B3SUMS"):
        path = small.folder / name
        path.write_bytes(flipped(path.read_bytes(), 300))

    assert small.repaired(small.source).report.findings == ()
    assert small.files == sound


def test_other_bytes_for_the_same_rows_are_sealed_anew(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = open_dataset(small.folder).digest
    (small.folder / "subjects-00000.parquet").unlink()
    monkeypatch.setattr(mend_tables, "write_table", partial(tables.write_table, beside=b"by another pyarrow"))

    outcome = small.repaired()
    assert outcome.report.findings == ()
    assert set(outcome.mended) == {"subjects-00000.parquet", "B3SUMS", "SHA256SUMS", MANIFEST}
    assert open_dataset(small.folder).digest == digest


def test_what_is_not_ours_is_never_removed(small: Small) -> None:
    (small.folder / "notes.txt").write_text("mine")

    outcome = small.repaired(small.source)
    assert [each.kind for each in outcome.report.findings] == [FindingKind.EXTRA]
    assert (small.folder / "notes.txt").read_text() == "mine"
    assert "notes.txt" in outcome.left[0]


def test_manifest_and_tables_lost_together_are_said(small: Small) -> None:
    (small.folder / MANIFEST).unlink()
    (small.folder / "shards.parquet").write_bytes(b"")
    with pytest.raises(Damaged, match="cannot be made again"):
        small.repaired(small.source)


def test_an_empty_folder_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no dataset"):
        Small(tmp_path, tmp_path).repaired()


def test_a_sound_dataset_is_not_touched(small: Small) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.folder.rglob("*")}

    assert small.repaired(small.source).mended == ()
    assert {path: path.stat().st_mtime_ns for path in small.folder.rglob("*")} == before


def test_the_table_of_shards_keeps_a_copy_of_the_manifest(small: Small) -> None:
    manifest = read_manifest(small.folder)
    (small.folder / MANIFEST).unlink()
    small.repaired()

    assert read_manifest(small.folder) == manifest
    assert len(read_table(small.folder / "shards.parquet", SHARDS)) == len(small.tars)


@pytest.mark.campaign
def test_a_thousand_flipped_bits_are_a_thousand_findings_and_a_thousand_repairs(small: Small) -> None:
    sound = small.files
    found = 0
    for name, offset, content in flips(sound, 1000, seed=1000):
        (small.folder / name).write_bytes(content)
        (finding,) = small.findings()
        found += finding.file == name
        if name.endswith(".tar"):
            assert finding.offset is not None
            assert finding.offset <= offset
        assert small.repaired(small.source).report.findings == ()
        assert small.files == sound
    assert found == 1000


@pytest.mark.campaign
def test_a_shard_cut_anywhere_is_mended(small: Small) -> None:
    sound = small.files
    for size in range(0, len(sound["train-000000.tar"]), 512):
        small.tars[0].write_bytes(sound["train-000000.tar"][:size])
        assert small.repaired(small.source).report.findings == ()
        assert small.files == sound
