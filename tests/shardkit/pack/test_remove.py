"""Forgetting: no byte of a removed subject is left, and nobody else notices."""

import errno
from pathlib import Path
from unittest import mock

import pytest

from shardkit.cli.pack import pack
from shardkit.errors import Damaged, ShardkitError, UsageError
from shardkit.format.opened import open_dataset
from shardkit.pack.proof import prove
from tests.faults.operations import Nth, failing, watched
from tests.packed import files
from tests.pictures import png
from tests.shardkit.pack.growing import KilledError, everybody, grown, keys, run_append, run_pack, run_remove


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_pack(grown(tmp_path / "source", range(8), 2), tmp_path / "packed", "--sha256")
    return tmp_path / "packed"


def test_no_byte_of_the_subject_is_left(folder: Path) -> None:
    images = [png(seed=300), png(seed=301)]
    assert sum(image in content for image in images for content in files(folder).values()) == 2

    run_remove(folder, "s03")

    for name, content in files(folder).items():
        assert b"s03" not in content, name
        assert not any(image in content for image in images), name


def test_others_keep_everything(folder: Path) -> None:
    before, known = everybody(folder), keys(open_dataset(folder))

    run_remove(folder, "s03")

    assert everybody(folder) == {subject: where for subject, where in before.items() if subject != "s03"}
    assert keys(open_dataset(folder)) == {key for key in known if not key.startswith("s03/")}


def test_every_sample_that_stays_has_its_bytes(folder: Path) -> None:
    run_remove(folder, "s00", "s05")

    opened = open_dataset(folder)
    for shard in opened.shards:
        tar = opened.path(shard).read_bytes()
        for sample in opened.samples(shard):
            subject, impression = int(sample.subject[1:]), int(sample.impression)
            image = tar[sample.image.offset : sample.image.offset + sample.image.size]
            assert image == png(seed=100 * subject + impression)


def test_the_earlier_generations_are_gone(folder: Path, tmp_path: Path) -> None:
    run_append(grown(tmp_path / "source", range(10), 2), folder)

    run_remove(folder, "s09")

    assert open_dataset(folder).generation.number == 2
    with pytest.raises(UsageError, match="no generation 1"):
        open_dataset(folder, generation=1)


def test_the_label_of_a_removed_subject_is_never_given_again(folder: Path, tmp_path: Path) -> None:
    last = max((where, subject) for subject, where in everybody(folder).items())
    (split, label), subject = last
    run_remove(folder, subject)
    assert open_dataset(folder).splits[split].classes == label + 1

    run_append(grown(tmp_path / "more", range(20, 40), 1), folder)

    given = [number for where, number in everybody(folder).values() if where == split]
    assert label not in given
    assert len(given) == len(set(given))


def test_a_twin_with_the_same_bytes_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = grown(tmp_path / "source", range(4), 1)
    (source / "s02" / "0.png").write_bytes((source / "s01" / "0.png").read_bytes())
    run_pack(source, tmp_path / "packed")

    run_remove(tmp_path / "packed", "s01")

    assert "the bytes of s01/0 are also those of s02/0" in capfd.readouterr().err


def test_a_line_about_what_was_skipped_goes_too(tmp_path: Path) -> None:
    source = grown(tmp_path / "source", range(4), 2)
    (source / "s01" / "2.png").write_bytes(b"")
    (source / "s02" / "2.png").write_bytes(b"")
    run_pack(source, tmp_path / "packed")

    run_remove(tmp_path / "packed", "s01")

    assert open_dataset(tmp_path / "packed").generation.skipped == {"empty": 1}
    assert not any(b"s01" in content for content in files(tmp_path / "packed").values())


def test_nobody_of_that_name(folder: Path) -> None:
    before = files(folder)

    with pytest.raises(UsageError, match="no subject s99"):
        run_remove(folder, "s99")

    assert files(folder) == before


def test_damage_is_not_copied(folder: Path) -> None:
    shard = open_dataset(folder).shards[0]
    staying, gone = (open_dataset(folder).samples(shard)[number] for number in (0, -1))
    assert staying.subject != gone.subject
    tar = bytearray((folder / shard.name).read_bytes())
    tar[staying.image.offset + 60] ^= 1
    (folder / shard.name).write_bytes(tar)
    before = files(folder)

    with pytest.raises(Damaged, match="Repair the dataset first"):
        run_remove(folder, gone.subject)

    assert {name: content for name, content in files(folder).items() if not name.startswith(b".shardkit")} == before


def test_stopped_at_any_operation_the_same_command_ends_alike(folder: Path) -> None:
    before = files(folder)
    run_remove(folder, "s03")
    undisturbed = files(folder)

    for number in range(1, 400):
        put_back(folder, before)
        nth = Nth(number, failing(errno.EIO), on=True)
        try:
            with watched(nth):
                run_remove(folder, "s03")
        except (ShardkitError, OSError):
            pass
        if nth.untouched:
            break
        try:
            run_remove(folder, "s03")
        except UsageError as done:
            assert "no subject s03" in str(done)  # noqa: PT017 - it had committed before it failed
        assert files(folder) == undisturbed, f"operation {number}"
    else:
        pytest.fail("no run went through untouched")


def put_back(folder: Path, content: dict[bytes, bytes]) -> None:
    for name in files(folder):
        (folder / name.decode()).unlink()
    for name, each in content.items():
        (folder / name.decode()).parent.mkdir(exist_ok=True)
        (folder / name.decode()).write_bytes(each)


def test_what_is_left_of_a_subject_is_no_proof(folder: Path) -> None:
    with pytest.raises(Damaged, match="a removed subject is still in the rows"):
        prove(folder, {"s03"}, [])
    run_remove(folder, "s03")
    assert "no other file" in prove(folder, {"s03"}, [])

    (folder / "copy.tar").write_bytes(b"")

    with pytest.raises(UsageError, match=r"copy\.tar: no part of the dataset"):
        prove(folder, {"s03"}, [])


def test_a_rewritten_shard_is_read_to_the_last_byte(folder: Path) -> None:
    shard = open_dataset(folder).shards[0]
    content = (folder / shard.name).read_bytes()
    (folder / shard.name).write_bytes(content[:-1] + b"\x01")

    with pytest.raises(Damaged, match="not what was written"):
        prove(folder, {"nobody"}, [shard.name])


def test_killed_after_its_commit_the_same_command_ends_it_and_proves_it(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.clear", side_effect=KilledError):
        run_remove(folder, "s03")
    with pytest.raises(KilledError), mock.patch("shardkit.pack.remove.finish", side_effect=KilledError):
        run_remove(folder, "s04")
    capfd.readouterr()

    run_remove(folder, "s04")

    said = capfd.readouterr().err
    assert "2 samples of 1 subjects are gone" in said
    assert "Looked at again" in said
    assert not {"s03", "s04"} & set(everybody(folder))


def test_a_file_that_nobody_knows_is_seen_before_anything_is_done(folder: Path) -> None:
    (folder / "README").write_text("mine")
    before = files(folder)

    with pytest.raises(UsageError, match="README: no part of the dataset"):
        run_remove(folder, "s03")

    assert files(folder) == before


def test_a_name_that_a_layout_takes_from_a_file_is_forgotten_too(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("anna_1", "anna_2", "hannah_1"):
        (source / f"{name}.png").write_bytes(png(seed=sum(map(ord, name))))
    for name in ("anna_3", "hannah_3"):
        (source / f"{name}.png").write_bytes(b"")
    layout = "{subject}_{impression}.png"
    pack.main([str(source), str(tmp_path / "packed"), "--layout", layout], standalone_mode=False)

    run_remove(tmp_path / "packed", "anna")

    listed = (tmp_path / "packed" / open_dataset(tmp_path / "packed").generation.listed).read_text()
    assert "hannah_3" in listed
    assert '"anna_3' not in listed
