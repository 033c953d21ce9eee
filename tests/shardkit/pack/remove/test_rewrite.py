"""Forgetting: no byte of a removed subject is left, and nobody else notices."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from shardkit.cli.commands.pack import pack
from shardkit.errors import Damaged, UsageError
from shardkit.format.manifest import manifest_bytes
from shardkit.pack.remove import preview
from shardkit.pack.remove.check import Proof, prove_removed
from shardkit.reader.dataset import open_dataset
from shardkit.verify.inventory import write_quarantine
from tests.packed import files
from tests.pictures import png
from tests.shardkit.pack.growing import (
    everybody,
    grown,
    keys,
    remove_from,
    run_append,
    run_pack,
    run_remove,
    without_workplace,
)


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


def test_bytes_that_stay_with_another_subject_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = grown(tmp_path / "source", range(4), 1)
    (source / "s02" / "0.png").write_bytes((source / "s01" / "0.png").read_bytes())
    for subject, template in (("s01", b"template"), ("s02", b"another"), ("s03", b"template")):
        (source / subject / "0.mnt").write_bytes(template)
    for subject in ("s01", "s02"):
        (source / subject / "0.json").write_bytes(b"")  # holds nothing that could stay
    run_pack(source, tmp_path / "packed")

    run_remove(tmp_path / "packed", "s01")

    said = capfd.readouterr().err
    assert sorted(re.findall(r"(\S+) stays and has the same bytes as (\S+)\.\n", said)) == [
        ("s02/0.png", "s01/0.png"),
        ("s03/0.mnt", "s01/0.mnt"),
    ]


def test_a_subject_does_not_stay_with_another_that_goes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = grown(tmp_path / "source", range(4), 1)
    (source / "s02" / "0.png").write_bytes((source / "s01" / "0.png").read_bytes())
    run_pack(source, tmp_path / "packed")

    run_remove(tmp_path / "packed", "s01", "s02")

    assert "stays and has" not in capfd.readouterr().err


def test_many_files_with_the_same_bytes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "MAX_LISTED_DUPLICATES", 5)
    source = grown(tmp_path / "source", range(6), 2)
    for image in source.rglob("*.png"):
        image.with_suffix(".json").write_bytes(b"{}")
    run_pack(source, tmp_path / "packed")
    dataset = open_dataset(tmp_path / "packed")

    removal = preview.preview_removal(dataset, preview.select_subjects(dataset, ["s00"], []))

    assert (len(removal.duplicates), removal.duplicate_count) == (5, 10)
    assert {each.removed.partition("/")[0] for each in removal.duplicates} == {"s00"}
    assert "s00" not in {each.stays.partition("/")[0] for each in removal.duplicates}


def test_a_group_goes_with_all_its_members(tmp_path: Path) -> None:
    folder = in_groups(tmp_path)

    remove_from(folder, "--group", "anna", "--subject", "s05")

    assert everybody(folder).keys() == {"s01", "s03", "s04"}


@pytest.mark.parametrize("name", ["anna m.", "anna m%2E"])
def test_a_group_is_named_as_in_the_list_or_as_in_the_dataset(tmp_path: Path, name: str) -> None:
    folder = in_groups(tmp_path, anna="anna m.")

    remove_from(folder, "--group", name)

    assert everybody(folder).keys() == {"s01", "s03", "s04", "s05"}


def test_a_subject_without_a_list_is_a_group_of_its_own(folder: Path) -> None:
    remove_from(folder, "--group", "s03")

    assert "s03" not in everybody(folder)


def test_members_that_stay_are_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = in_groups(tmp_path)

    run_remove(folder, "s00", "s05")

    said = capfd.readouterr().err
    assert "Warning: 1 subject of group anna stays: s02. To remove the whole group, use --group anna." in said
    assert said.count("of group") == 1


def test_no_group_of_that_name(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"has no group 's3', so nothing was removed.*Did you mean 's03'"):
        remove_from(folder, "--group", "s3")


def in_groups(tmp_path: Path, anna: str = "anna") -> Path:
    """Six subjects, of which s00 and s02 are of one person."""
    groups = tmp_path / "groups.csv"
    groups.write_text(f"s00,{anna}\ns02,{anna}\ns03,ben\n")
    run_pack(grown(tmp_path / "source", range(6), 2), tmp_path / "packed", "--groups", str(groups))
    return tmp_path / "packed"


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

    with pytest.raises(UsageError, match="no subject 's99'"):
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

    with pytest.raises(Damaged, match="Nothing was removed"):
        run_remove(folder, gone.subject)

    assert {name: content for name, content in files(folder).items() if not name.startswith(b".shardkit")} == before


def test_what_is_left_of_a_subject_is_no_proof(folder: Path) -> None:
    with pytest.raises(Damaged, match="the removed subject 's03' is still in this table"):
        prove_removed(open_dataset(folder), {"s03"}, [])
    run_remove(folder, "s03")
    assert prove_removed(open_dataset(folder), {"s03"}, []) == Proof(14, 0)

    (folder / "copy.tar").write_bytes(b"")

    with pytest.raises(UsageError, match=r"copy\.tar: not a file of the dataset"):
        prove_removed(open_dataset(folder), {"s03"}, [])


def test_a_rewritten_shard_is_read_to_the_last_byte(folder: Path) -> None:
    shard = open_dataset(folder).shards[0]
    content = (folder / shard.name).read_bytes()
    (folder / shard.name).write_bytes(content[:-1] + b"\x01")

    with pytest.raises(Damaged, match="expected the BLAKE3"):
        prove_removed(open_dataset(folder), {"nobody"}, [shard.name])


def test_a_file_that_nobody_knows_is_seen_before_anything_is_done(folder: Path) -> None:
    (folder / "README").write_text("mine")
    before = files(folder)

    with pytest.raises(UsageError, match="README: not a file of the dataset"):
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


@pytest.mark.parametrize("layout", [5, ["{subject}/{impression}.png"], "{subject}.png", "\x00"])
def test_a_layout_that_is_none_is_damage(folder: Path, layout: object) -> None:
    reseal(folder, layout=layout)
    before = files(folder)

    with pytest.raises(Damaged, match=r"manifest\.json: .*option.* 'layout' is .*(expected a template|must be str)"):
        run_remove(folder, "s03")

    assert without_workplace(folder) == before


@pytest.mark.parametrize("line", [b"no JSON", b"[]", b'{"source":5}', b'{"detail":"","reason":"","source":"\\ud800"}'])
def test_a_list_that_describes_no_skipped_input_is_damage(folder: Path, line: bytes) -> None:
    (folder / "skipped.jsonl").write_bytes(line + b"\n")

    with pytest.raises(Damaged, match=r"skipped\.jsonl: the line .* does not describe a skipped input"):
        run_remove(folder, "s03")


def test_an_endless_list_is_not_read_into_memory(folder: Path) -> None:
    os.truncate(folder / "skipped.jsonl", 1 << 40)

    with pytest.raises(Damaged, match=r"skipped\.jsonl: a line has more than 1,048,576 bytes"):
        run_remove(folder, "s03")


def test_the_locale_does_not_say_whose_a_skipped_file_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names are Latin-1, `os.fsencode` gives other bytes than those that the list was written from."""
    source = grown(tmp_path / "source", range(3), 1)
    for name in ("1", "2"):
        (source / "m\u00fcller").mkdir(exist_ok=True)
        (source / "m\u00fcller" / f"{name}.png").write_bytes(png(seed=7) if name == "1" else b"")
    run_pack(source, tmp_path / "packed")
    monkeypatch.setattr(os, "fsencode", lambda name: str(name).encode("latin-1", "surrogateescape"))

    run_remove(tmp_path / "packed", "m\u00fcller")

    assert not any(b"ller" in content for content in files(tmp_path / "packed").values())


def test_a_disk_that_reads_little_at_once_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, into, offset: read(file, [into[0][:100]], offset))

    run_remove(folder, "s03")

    monkeypatch.undo()
    assert "s03" not in everybody(folder)


def test_the_quarantine_forgets_a_removed_subject(folder: Path) -> None:
    entries = [("train-000000.tar", f"{subject}/0", "its bytes are lost") for subject in ("s03", "s04")]
    write_quarantine(folder, entries)

    run_remove(folder, "s03")
    assert b"s03" not in (folder / ".shardkit/quarantine.jsonl").read_bytes()
    assert b"s04" in (folder / ".shardkit/quarantine.jsonl").read_bytes()

    run_remove(folder, "s04")
    assert not (folder / ".shardkit").exists()


def test_a_link_is_another_file_wherever_it_leads(folder: Path, tmp_path: Path) -> None:
    (folder / "more").symlink_to(tmp_path)

    with pytest.raises(UsageError, match=r"more: not a file of the dataset"):
        run_remove(folder, "s03")


def test_all_subjects_can_go(folder: Path) -> None:
    run_remove(folder, *everybody(folder))

    assert not everybody(folder)
    assert {each.samples for each in open_dataset(folder).splits.values()} == {0}


def reseal(folder: Path, **options: object) -> None:
    manifest = open_dataset(folder).manifest
    changed = replace(manifest, options={**manifest.options, **options})
    (folder / "manifest.json").write_bytes(manifest_bytes(changed))
