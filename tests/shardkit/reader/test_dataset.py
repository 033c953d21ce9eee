"""A dataset, opened by its public name."""

import errno
import os
import shutil
import threading
from pathlib import Path

import pyarrow as pa
import pytest

import shardkit
from shardkit.errors import Damaged, StorageFailing, UsageError
from shardkit.format.keys import decode_name
from shardkit.format.tables import TableFile
from shardkit.reader.dataset import Dataset, NotThere, Split
from shardkit.reader.index import IndexReader
from shardkit.schema import Shard
from tests.packed import SUBJECTS, files


def test_it_tells_what_the_manifest_and_the_tables_say(packed_once: Path) -> None:
    dataset = shardkit.open(str(packed_once))

    assert list(dataset) == list(dataset.splits) == ["train", "val"]
    assert sum(len(dataset[split]) for split in dataset) == dataset.manifest.current.packed == 27
    assert sorted(decode_name(each.subject) for each in dataset.subjects) == sorted(SUBJECTS)
    assert {each.impressions for each in dataset.subjects} == {3}
    assert dataset.digest == dataset.manifest.current.digest


def test_it_shows_what_it_is_and_not_its_whole_manifest(packed_once: Path) -> None:
    dataset = shardkit.open(packed_once)
    assert (
        repr(dataset)
        == f"<dataset {packed_once}, generation 0: samples "
        + ", ".join(f"{split} {len(dataset[split]):,}" for split in dataset)
        + ">"
    )


def test_every_sample_has_the_bytes_of_its_source(packed_once: Path) -> None:
    dataset = shardkit.open(packed_once)
    restored = {}
    for split in dataset:
        for key in dataset[split]:
            record = dataset[split][key]
            stem = record.sample.source.removesuffix(b".png")
            restored[record.sample.source] = record.image
            restored |= {stem + b"." + os.fsencode(ext): content for ext, content in record.sidecars.items()}

    assert restored == files(packed_once.parent / "source")


@pytest.mark.parametrize("kind", [UsageError, KeyError])
def test_a_misspelt_split_is_both_a_mistake_and_a_key_error(packed_once: Path, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=r"no split 'trian', but train, val\. Did you mean 'train'\?"):
        shardkit.open(packed_once)["trian"]


def test_a_folder_that_is_no_dataset_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not a dataset, it has no manifest\.json"):
        shardkit.open(tmp_path)


def test_a_generation_that_is_not_there_is_a_mistake(packed_once: Path) -> None:
    with pytest.raises(UsageError, match=r"it has no generation 7, but 0\."):
        shardkit.open(packed_once, generation=7)


@pytest.mark.parametrize("name", ["shards.parquet", "index/train-00000.parquet", "train-000000.tar"])
def test_a_file_that_is_missing_is_damage(packed_copy: Path, name: str) -> None:
    dataset = shardkit.open(packed_copy)
    key = next(iter(shardkit.open(packed_copy)["train"]))
    (packed_copy / name).unlink()

    with pytest.raises(Damaged, match=rf"{name}: missing\. `shardkit verify {packed_copy}` says"):
        dataset["train"][key]


def test_an_index_without_a_row_group_for_a_shard_is_damaged(packed_copy: Path) -> None:
    shutil.copy(packed_copy / "index/val-00000.parquet", packed_copy / "index/train-00000.parquet")

    dataset = shardkit.open(packed_copy)
    last = dataset["train"].shards[-1]
    with pytest.raises(Damaged, match=r"index/train-00000\.parquet: train-000002\.tar must be its row group 2"):
        dataset.rows(last)


@pytest.mark.parametrize("read", ["rows", "bounds"])
def test_a_failing_disk_is_told_of_the_index(packed_once: Path, monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    def fail(*_args: object) -> None:
        raise OSError(errno.EIO, "Error reading bytes from file. Detail: [errno 5] Input/output error")

    dataset = shardkit.open(packed_once)
    shard = dataset["train"].shards[0]
    monkeypatch.setattr(TableFile, "read_group", fail)
    monkeypatch.setattr(TableFile, "statistics", fail)

    with pytest.raises(StorageFailing, match=r"index/train-00000\.parquet: the disk reports «Input/output error»"):
        dataset.rows(shard) if read == "rows" else dataset.bounds(shard, "key")


def test_a_table_that_cannot_be_read_is_said_with_a_command_to_copy(packed_copy: Path) -> None:
    for name in ("shards.parquet", "subjects-00000.parquet", "index/train-00000.parquet"):
        content = (packed_copy / name).read_bytes()
        (packed_copy / name).write_bytes(b"x" * len(content))
        dataset = shardkit.open(packed_copy)
        with pytest.raises(Damaged, match=rf"{name}: this table .*`shardkit verify {packed_copy}` says what"):
            _ = (dataset.subjects, [dataset.samples(shard) for shard in dataset.shards])
        (packed_copy / name).write_bytes(content)


def test_threads_read_one_dataset_at_once(packed_once: Path) -> None:
    dataset: Dataset = shardkit.open(packed_once)
    keys = list(dataset["train"])
    sources = files(packed_once.parent / "source")
    wrong: list[str] = []

    def read() -> None:
        for key in keys * 5:
            record = dataset["train"][key]
            if record.image != sources[record.sample.source] or record.sample.key != key:
                wrong.append(key)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert not wrong


def test_only_the_row_group_that_may_hold_a_key_is_read(packed_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = set[str]()
    rows = IndexReader.rows

    def noted(self: IndexReader, shard: Shard, columns: list[str] | None = None) -> pa.Table:
        read.add(shard.name)
        return rows(self, shard, columns)

    last = shardkit.open(packed_once)["train"].shards[-1]
    key = shardkit.open(packed_once).samples(last)[-1].key
    monkeypatch.setattr(IndexReader, "rows", noted)

    assert shardkit.open(packed_once)["train"].sample(key).key == key
    assert read == {last.name}


@pytest.fixture
def train(packed_once: Path) -> Split:
    return shardkit.open(packed_once)["train"]


def test_length_keys_and_membership_agree(train: Split) -> None:
    keys = list(train)

    assert len(keys) == len(set(keys)) == len(train) == train.totals.samples
    assert all(key in train for key in keys)
    assert all(train.sample(key).key == key for key in keys)
    assert "nobody/04" not in train
    assert 4 not in train


def test_it_shows_what_it_is(train: Split) -> None:
    assert repr(train).endswith(f"once0/packed: {len(train)} samples>")
    assert repr(train).startswith("<split train of ")


def test_who_counts_is_told_that_there_are_keys(train: Split) -> None:
    with pytest.raises(KeyError, match=f"samples of train have keys, such as '{next(iter(train))}', not 0"):
        train[0]  # type: ignore[index]  # that is the mistake


@pytest.mark.parametrize("kind", [KeyError, UsageError])
def test_a_missing_key_is_both_a_mistake_and_a_key_error(train: Split, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="train has no sample 'nobody/99'"):
        train["nobody/99"]


def missing(split: Split, key: str) -> str:
    with pytest.raises(NotThere) as raised:
        split.sample(key)
    return str(raised.value)


def test_a_misspelt_key_is_answered_with_those_that_are_near(train: Split) -> None:
    key = next(iter(train))

    assert f"Did you mean {key!r}" in missing(train, key + "0")


def test_names_as_they_are_called_are_answered_with_their_key(packed_once: Path) -> None:
    dataset = shardkit.open(packed_once)
    key = "100%25/a%2Eb%2Ec"
    split = next(dataset[name] for name in dataset if key in dataset[name])

    assert f"Did you mean {key!r}? Dots and odd characters" in missing(split, "100%/a.b.c")


def test_a_key_of_another_split_is_answered_with_that_split(packed_once: Path) -> None:
    dataset = shardkit.open(packed_once)

    assert missing(dataset["train"], next(iter(dataset["val"]))).endswith(" val has it.")


def test_the_samples_of_one_subject(train: Split) -> None:
    subject = train.sample(next(iter(train))).subject
    keys = [key for shard in train.shards_of(subject) for key in train.keys(shard, subject)]
    samples = [each for shard in train.shards_of(subject) for each in train.samples(shard, subject)]

    assert keys == [each.key for each in samples] == [key for key in train if key.startswith(f"{subject}/")]
    assert len(train.shards_of(subject)) < len(train.shards)
