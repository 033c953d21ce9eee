"""`shardkit ls`: the keys of a dataset, one a line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import shardkit
from shardkit.cli.commands.ls import ls
from shardkit.cli.console import format_key
from shardkit.errors import UsageError
from tests.packed import SUBJECTS

SHARDKIT = Path(sys.executable).with_name("shardkit")


def listed(capsys: pytest.CaptureFixture[str], *args: str | Path) -> list[str]:
    ls.main([str(each) for each in args], standalone_mode=False)
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_all_keys_in_the_order_of_the_shards(packed_once: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = shardkit.open(packed_once)

    assert listed(capsys, packed_once) == [*dataset["train"], *dataset["val"]]
    assert listed(capsys, packed_once, "--split", "val") == list(dataset["val"])


@pytest.mark.parametrize("subject", SUBJECTS, ids=repr)
def test_a_subject_by_the_name_that_it_had(
    packed_once: Path, capsys: pytest.CaptureFixture[str], subject: bytes
) -> None:
    lines = listed(capsys, packed_once, "--subject", os.fsdecode(subject), "--json")

    sources = [os.fsencode(json.loads(line)["source"]) for line in lines]
    assert sources == [subject + b"/" + name for name in (b"04.png", b"5 of 9.png", b"a.b.c.png")]


def test_a_subject_by_its_name_in_a_key(packed_once: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, packed_once, "--subject", "S%2E1") == ["S%2E1/04", "S%2E1/5 of 9", "S%2E1/a%2Eb%2Ec"]


def test_long_lines_name_bytes_pixels_label_split_and_endings(
    packed_once: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = shardkit.open(packed_once)
    sample = dataset["val"].sample(next(iter(dataset["val"])))
    size = sum(each.size for each in sample.members)

    endings = " ".join(each.ext for each in sample.members)
    first = listed(capsys, packed_once, "--split", "val", "--long")[0]
    assert first.split() == f"{size} 11 x 13 x 1 8 bit {sample.label} val {sample.key} {endings}".split()


def test_json_is_a_line_a_sample(packed_once: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = shardkit.open(packed_once)
    for line in listed(capsys, packed_once, "--json"):
        said = json.loads(line)
        sample = dataset[said["split"]].sample(said["key"])
        assert said["image"] == {
            "ext": "png",
            "offset": sample.image.offset,
            "size": sample.image.size,
            "xxh3": sample.image.xxh3.hex(),
        }
        assert [each["ext"] for each in said["sidecars"]] == [each.ext for each in sample.sidecars]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--subject", "00123"), r"no subject '00123'\. Did you mean '000123'\?"),
        (("--split", "vla"), r"no split 'vla', but train, val\. Did you mean 'val'\?"),
    ],
)
def test_a_name_that_is_not_there_is_a_mistake(packed_once: Path, args: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        ls.main([str(packed_once), *args], standalone_mode=False)


def test_a_subject_of_another_split_is_a_mistake(packed_once: Path) -> None:
    subject = next(each.subject for each in shardkit.open(packed_once).subjects if each.split == "val")

    with pytest.raises(UsageError, match="is not in train, but in val"):
        ls.main([str(packed_once), "--split", "train", "--subject", subject], standalone_mode=False)


def test_what_a_strangers_key_would_tell_a_terminal_is_escaped() -> None:
    assert format_key("red\x1b[31m/04") == r"'red\x1b[31m/04'"
    assert format_key("café/04") == "café/04"


def test_a_reader_that_has_enough_is_no_error(packed_once: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as nobody:  # noqa: PTH123 - a descriptor
        ended = subprocess.run([SHARDKIT, "ls", packed_once], stdout=nobody, stderr=subprocess.PIPE, check=False)

    assert (ended.returncode, ended.stderr) == (0, b"")
