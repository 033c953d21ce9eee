"""Tars of others become a dataset where they lie."""

import os
from pathlib import Path

import pytest
from blake3 import blake3
from click.testing import CliRunner, Result
from xxhash import xxh3_128_digest

from shardkit.cli.commands.index import index
from shardkit.errors import Damaged, Locked, Mismatch, ShardkitError, UsageError
from shardkit.format.foreign_digest import other_ranges
from shardkit.pack.adopt.receipts import split_from_name
from shardkit.pack.adopt.session import expand_braces, resolve_tars
from shardkit.reader.dataset import Dataset, open_dataset
from shardkit.storage.lock import lock_folder
from tests.foreign_tars import block, samples, tar, write
from tests.packed import files
from tests.pictures import damaged, png


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two splits, one of them in two tars."""
    web = tmp_path / "web"
    web.mkdir()
    write(web / "train-000000.tar", samples(2))
    write(web / "train-000001.tar", samples(2, first=2))
    write(web / "val-000000.tar", samples(1, first=4))
    return web


def adopt(folder: Path, *options: str) -> Result:
    tars = [str(each) for each in sorted(folder.glob("*.tar"))]
    return CliRunner().invoke(index, [*tars, str(folder), *options], standalone_mode=False)


def adopted(folder: Path, *options: str) -> Dataset:
    result = adopt(folder, *options)
    if result.exception:
        raise result.exception
    return open_dataset(folder)


def refusal(folder: Path, *options: str) -> ShardkitError:
    error = adopt(folder, *options).exception
    assert isinstance(error, ShardkitError), error
    assert not (folder / "manifest.json").exists()
    return error


def one(tmp_path: Path, content: dict[str, bytes]) -> Path:
    write(tmp_path / "train-0.tar", content)
    return tmp_path


def test_what_was_in_the_tars_is_in_the_dataset(folder: Path) -> None:
    before = files(folder)

    dataset = adopted(folder)

    assert {name: total.samples for name, total in dataset.splits.items()} == {"train": 8, "val": 2}
    assert [each.name for each in dataset.shards] == ["train-000000.tar", "train-000001.tar", "val-000000.tar"]
    assert {name: files(folder)[name] for name in before} == before
    for shard in dataset.shards:
        content = dataset.path(shard).read_bytes()
        for sample in dataset.samples(shard):
            found = {each.ext: content[each.offset : each.offset + each.size] for each in sample.members}
            number = int(sample.subject), int(sample.impression)
            assert found["png"] == png(seed=100 * number[0] + number[1])
            assert found["cls"] == b"%d" % sample.label
            assert sample.source == f"{sample.key}.png".encode()
            assert (sample.width, sample.height, sample.channels, sample.bit_depth) == (11, 13, 1, 8)


def test_digests_cover_every_byte(folder: Path) -> None:
    dataset = adopted(folder)

    for shard in dataset.shards:
        content = dataset.path(shard).read_bytes()
        rows = dataset.samples(shard)
        *others, rest = other_ranges((each.members for each in rows), len(content))
        for sample, ranges in zip(rows, others, strict=True):
            assert sample.other == xxh3_128_digest(b"".join(content[start:stop] for start, stop in ranges))
            for each in sample.members:
                assert each.xxh3 == xxh3_128_digest(content[each.offset : each.offset + each.size])
        assert shard.other == xxh3_128_digest(b"".join(content[start:stop] for start, stop in rest))
        assert (shard.size, shard.blake3) == (len(content), blake3(content).hexdigest())


def test_any_number_of_threads_makes_the_same_files(folder: Path) -> None:
    adopted(folder, "--workers", "1")
    once = files(folder)
    adopted(folder, "--workers", "3", "--replan")

    assert files(folder) == once


def test_sums_name_every_file(folder: Path) -> None:
    adopted(folder)

    lines = (folder / "B3SUMS").read_text().splitlines()
    summed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    there = {os.fsdecode(name): content for name, content in files(folder).items()}
    assert summed.keys() == there.keys() - {"B3SUMS", "manifest.json"}
    assert all(blake3(there[name]).hexdigest() == digest for name, digest in summed.items())


def test_the_same_command_again_has_nothing_to_do(folder: Path) -> None:
    first = adopted(folder)
    os.utime(folder / "train-000000.tar")

    assert adopted(folder).digest == first.digest


def test_other_options_and_other_tars_need_a_word(folder: Path) -> None:
    adopted(folder)
    assert isinstance(adopt(folder, "--split", "other").exception, Mismatch)
    (folder / "val-000000.tar").unlink()
    assert isinstance(adopt(folder).exception, Mismatch)

    assert list(adopted(folder, "--replan").splits) == ["train"]


def test_what_cannot_be_a_sample_is_counted_and_listed(tmp_path: Path) -> None:
    bad = damaged()["cut in the pixels"][0]
    content = {
        "a/1.png": png(),
        "a/2.txt": b"a caption alone",
        "a/3.png": bad,
        "a/4.png": png(seed=4),
        "a/4.cls": b"four",
        "a/5.jpg": b"",
        "README": b"nothing",
    }
    result = adopt(one(tmp_path, content), "--json")

    assert (result.exception, result.return_value) == (None, 3)
    generation = open_dataset(tmp_path).generation
    assert generation.packed == 1
    assert generation.skipped == {"bad-label": 1, "empty": 1, "no-image": 1, "truncated": 1}
    lines = (tmp_path / "skipped.jsonl").read_text().splitlines()
    assert len(lines) == 4
    assert '"source":"train-0.tar/a/2"' in lines[0]


def test_the_bytes_of_a_skipped_sample_are_covered_too(tmp_path: Path) -> None:
    content = {"a/1.png": png(), "a/2.txt": b"a caption alone", "a/3.png": png(seed=3), "README": b"x"}
    dataset = adopted(one(tmp_path, content))

    (shard,) = dataset.shards
    whole = dataset.path(shard).read_bytes()
    first, second = dataset.samples(shard)
    assert second.other == xxh3_128_digest(whole[first.image.offset + first.image.size : second.image.offset])
    assert shard.other == xxh3_128_digest(whole[second.image.offset + second.image.size :])


def test_the_key_template_says_who_it_is(tmp_path: Path) -> None:
    dataset = adopted(one(tmp_path, {"anna_1.jpg.png": b"", "anna_1.png": png()}), "--key", "{subject}_{impression}")

    assert [each.key for each in dataset.samples(dataset.shards[0])] == ["anna/1"]
    assert dataset.manifest.options["key"] == "{subject}_{impression}"


def test_an_image_is_any_that_we_know_and_all_else_is_beside_it(tmp_path: Path) -> None:
    dataset = adopted(one(tmp_path, {"a.seg.png": b"mask", "a.PNG": png(), "a.j%\x1b": b"?"}))

    (sample,) = dataset.samples(dataset.shards[0])
    assert (sample.image.ext, sample.source) == ("png", b"a.PNG")
    assert [each.ext for each in sample.sidecars] == ["seg.png", "j%25%1B"]


def test_keys_that_meet_are_refused_at_both_places(folder: Path) -> None:
    write(folder / "train-000002.tar", samples(1))

    error = refusal(folder)

    assert error.exit_code == 2
    assert "2 samples of one split have the key 000/00: train-000000.tar, byte" in str(error)
    assert "train-000002.tar, byte" in str(error)


@pytest.mark.parametrize("name", ["shards-000000.tar", "index-000000.tar", "B3SUMS-000000.tar"])
def test_tars_are_adopted_whatever_they_are_called_and_other_files_stay(name: str, tmp_path: Path) -> None:
    write(tmp_path / name, samples(1))
    (tmp_path / ".download.zip.part").write_bytes(b"precious")
    (tmp_path / f".{name}.part").write_bytes(b"precious")

    assert adopt(tmp_path).return_value == 0
    assert adopt(tmp_path).return_value == 0

    assert (tmp_path / ".download.zip.part").read_bytes() == b"precious"
    assert (tmp_path / f".{name}.part").read_bytes() == b"precious"


def test_a_key_in_two_splits_is_a_warning(folder: Path) -> None:
    write(folder / "test-0.tar", samples(1))

    result = adopt(folder)

    assert result.return_value == 0
    assert "1 subjects are in more than one split ('000')" in result.stderr


def test_a_stranger_in_the_folder_is_a_warning(folder: Path) -> None:
    (folder / "00000_stats.json").touch()

    assert "1 files beside the tars are no part of the dataset ('00000_stats.json')" in adopt(folder).stderr


def test_nothing_of_the_users_is_overwritten(folder: Path) -> None:
    (folder / "B3SUMS").write_text("mine")

    assert "B3SUMS, which would be overwritten" in str(refusal(folder))
    assert (folder / "B3SUMS").read_text() == "mine"


def test_a_pack_is_left_alone(packed_copy: Path) -> None:
    before = files(packed_copy)

    assert isinstance(adopt(packed_copy).exception, Mismatch)
    assert isinstance(adopt(packed_copy, "--replan").exception, UsageError)
    assert files(packed_copy) == before


def test_one_at_a_time(folder: Path) -> None:
    with lock_folder(folder):
        assert isinstance(refusal(folder), Locked)


@pytest.mark.parametrize(
    ("name", "content", "error", "why"),
    [
        ("train-9.tar", tar(block(b"../a.png")), UsageError, "byte 0, member '../a.png': its name leads out"),
        ("train-9.tar", tar(block(b"a.png", 600)), Damaged, "the tar was cut off"),
        ("train-9.tar", b"\x1f\x8b" + bytes(600), UsageError, "Run `gunzip` on it first"),
        ("train-9.tar", b"", UsageError, "no bytes"),
    ],
)
def test_a_tar_that_cannot_be_trusted_ends_it(
    folder: Path, name: str, content: bytes, error: type[ShardkitError], why: str
) -> None:
    (folder / name).write_bytes(content)

    refused = refusal(folder)

    assert type(refused) is error
    assert name in str(refused)
    assert why in str(refused)


def test_no_sample_at_all_is_said_with_its_reasons(tmp_path: Path) -> None:
    write(tmp_path / "a.tar", {"1.txt": b"", "README": b""})

    assert "no sample was found in 1 tars (1 no-image, 1 members without a key" in str(refusal(tmp_path))


def test_a_tar_without_samples_is_still_sealed(folder: Path) -> None:
    write(folder / "val-000001.tar", {})

    dataset = adopted(folder)

    empty = dataset.shards[-1]
    assert (empty.name, empty.samples, dataset.samples(empty)) == ("val-000001.tar", 0, [])
    assert empty.other == xxh3_128_digest((folder / empty.name).read_bytes())


def test_a_url_ends_with_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(index, ["pipe:cat a.tar", str(tmp_path)], standalone_mode=False)

    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2


def test_braces_stand_for_numbers_with_as_many_digits() -> None:
    assert list(expand_braces("web/train-{008..011}.tar")) == [
        f"web/train-{each}.tar" for each in ("008", "009", "010", "011")
    ]
    assert list(expand_braces("{1..2}-{0..1}.tar")) == ["1-0.tar", "1-1.tar", "2-0.tar", "2-1.tar"]
    assert list(expand_braces("plain.tar")) == ["plain.tar"]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train-000000.tar", "train"),
        ("val-7.tar", "val"),
        ("imagenet-val-00.tar", "imagenet-val"),
        ("00000.tar", "asked"),
        ("all.tar", "asked"),
        ("a-b.tar", "asked"),
    ],
)
def test_the_name_of_a_tar_tells_its_split(name: str, split: str) -> None:
    assert split_from_name(name, "asked") == split


def test_names_are_sorted_and_each_is_taken_once(tmp_path: Path) -> None:
    for name in ("b-1.tar", "b-0.tar"):
        (tmp_path / name).touch()

    given = [str(tmp_path / "b-1.tar"), str(tmp_path / "." / "b-{0..1}.tar")]
    assert resolve_tars(tmp_path, given) == ("b-0.tar", "b-1.tar")


@pytest.mark.parametrize(
    "url", ["pipe:curl x", "http://host/a.tar", "s3://b/a.tar", "file:a.tar", "gs://{0..1}.tar", "PIPE:rm -r x"]
)
def test_a_url_is_never_followed(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Download the tars first"):
        resolve_tars(tmp_path, [url])


def test_a_tar_elsewhere_is_not_copied(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.tar").touch()

    with pytest.raises(UsageError, match="Tars are adopted where they are"):
        resolve_tars(tmp_path, [str(tmp_path / "sub" / "a.tar")])


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.tar", "No such file"),
        ("a.tgz", r"ends in \.tar"),
        ("two words.tar", "letters, digits"),
        (".hidden.tar", "letters, digits"),
        ("folder.tar", "is no file"),
        ("link.tar", "is a symbolic link"),
        ("t-{0..99999999}.tar", "expected at most 1,000,000 tars, got 100,000,000"),
        ("t-{0..9999}{0..9999}{0..9999}.tar", "expected at most 1,000,000 tars, got 1,000,000,000,000"),
        ("t-{9..0}.tar", r"the range 9\.\.0 holds no number. Write \{0\.\.9\}"),
        ("x*.tar", r"expected files whose names match this pattern, found none.*\n*ls "),
    ],
)
def test_what_is_no_tar_of_the_folder_is_refused(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "folder.tar").mkdir()
    (tmp_path / "a.tgz").touch()
    (tmp_path / "link.tar").symlink_to("a.tgz")

    with pytest.raises(UsageError, match=why):
        resolve_tars(tmp_path, [str(tmp_path / name)])


def test_a_pattern_stands_for_the_files_that_match_it(tmp_path: Path) -> None:
    folder = tmp_path / "old [1]"
    folder.mkdir()
    for name in ("a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar", ".hidden.tar", "a-0.json"):
        (folder / name).touch()

    assert resolve_tars(folder, [str(folder / "*.tar")]) == ("a-0.tar", "a-1.tar", "b-0.tar", "b-1.tar")
    assert resolve_tars(folder, [str(folder / "?-{0..0}.tar")]) == ("a-0.tar", "b-0.tar")
    assert resolve_tars(folder, [str(folder / "b-[01].tar"), str(folder / "b-0.tar")]) == ("b-0.tar", "b-1.tar")
