"""A dataset whose keys lie, though every digest matches."""

from pathlib import Path

import pyarrow as pa
import pytest

from shardkit.format.tables import INDEX
from shardkit.reader.dataset import open_dataset
from shardkit.schema import Shard
from shardkit.verify.findings import Finding, FindingKind
from shardkit.verify.verifier import Level
from tests.shardkit.verify.small import ChangeRows, Small, forged


def renamed(shard_name: str, row: int, **changed: object) -> ChangeRows:
    """Give a row of a shard other values."""

    def change(shard: Shard, rows: pa.Table) -> pa.Table:
        listed = rows.to_pylist()
        if shard.name == shard_name:
            listed[row].update(changed)
        return pa.Table.from_pylist(listed, INDEX)

    return change


def disagreeing(small: Small, file: str) -> list[Finding]:
    return [each for each in small.findings() if (each.kind, each.file) == (FindingKind.DISAGREES, file)]


def names(folder: Path, place: int) -> dict[str, str]:
    """What names the first sample of a shard."""
    dataset = open_dataset(folder)
    sample = dataset.samples(dataset.shards[place])[0]
    return {name: getattr(sample, name) for name in ("key", "subject", "impression")}


@pytest.mark.parametrize("holder", [0, -1], ids=["of the same shard", "of another shard and split"])
def test_two_samples_of_one_key_are_found(small: Small, holder: int) -> None:
    shard = open_dataset(small.folder).shards[0]
    taken = names(small.folder, holder)
    forged(small.folder, renamed(shard.name, 1, **taken))
    last = open_dataset(small.folder).shards[holder]

    (finding,) = disagreeing(small, last.index)
    assert finding.key == taken["key"]
    assert "Other samples have 1 of the keys of" in finding.text


def test_a_key_that_is_not_subject_and_impression_is_found(small: Small) -> None:
    shard = open_dataset(small.folder).shards[0]
    forged(small.folder, renamed(shard.name, 2, key="other/9"))

    (finding,) = disagreeing(small, shard.index)
    assert (finding.key, finding.found) == ("other/9", "'other/9'")
    assert "are not `subject/impression`" in finding.text


@pytest.mark.parametrize("subject", ["..", "a.b", "a\\b", "red\x1b[31m", "50%", "%41", "nel\x85"])
def test_a_name_that_a_key_does_not_hold_like_that_is_found(small: Small, subject: str) -> None:
    shard = open_dataset(small.folder).shards[0]
    forged(small.folder, renamed(shard.name, 0, key=f"{subject}/9", subject=subject, impression="9"))

    found = [each.text for each in disagreeing(small, shard.index)]
    assert any("1 of the subjects of" in text and "written %XX" in text for text in found)


@pytest.mark.parametrize("group", ["", "a.b", "%41", "%C3%A9", "%c2%85", "%E9é", "red\x1b[31m"])
def test_a_group_that_is_not_written_as_in_a_key_is_found(small: Small, group: str) -> None:
    shard = open_dataset(small.folder).shards[0]
    forged(small.folder, renamed(shard.name, 0, group=group))

    found = [each.text for each in disagreeing(small, shard.index)]
    assert any("1 of the groups of" in text for text in found) == (group != "%E9é")


def test_an_ending_that_is_not_written_as_in_a_key_is_found(small: Small) -> None:
    shard = open_dataset(small.folder).shards[0]
    sidecar = {"ext": "red\x1b[31m", "offset": 0, "size": 0, "xxh3": bytes(16)}
    forged(small.folder, renamed(shard.name, 1, sidecars=[sidecar]))

    found = [each.text for each in disagreeing(small, shard.index)]
    assert any("1 of the endings of" in text for text in found)


def test_a_line_feed_in_a_key_makes_no_line_of_its_own(small: Small) -> None:
    shard = open_dataset(small.folder).shards[0]
    forged(small.folder, renamed(shard.name, 0, key="a/\n\x1b[2Jall is well", subject="a\rb"))

    findings = small.findings()
    assert any(each.key and "\n" in each.key for each in findings)
    assert all(str(each).isprintable() for each in findings)


@pytest.mark.parametrize("lines", [0, 3])
def test_a_list_of_digests_that_lacks_files_is_found(small: Small, lines: int) -> None:
    path = small.folder / "B3SUMS"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))
    forged(small.folder, lambda _shard, rows: rows)

    (finding,) = disagreeing(small, "B3SUMS")
    assert "files are not listed, for example" in finding.text


@pytest.mark.parametrize("level", [Level.QUICK, Level.BYTES])
def test_two_rows_about_one_shard_are_found(small: Small, level: Level) -> None:
    forged(small.folder, lambda _shard, rows: rows, lambda shards: [*shards[:-1], shards[0]])

    name = open_dataset(small.folder).generation.shards
    found = [each for each in small.findings(level) if each.file == name]
    assert any(small.tars[0].name in each.text for each in found)
