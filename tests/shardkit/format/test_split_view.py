"""A split, used as a mapping from keys to samples."""

from pathlib import Path

import pytest

import shardkit
from shardkit.errors import UsageError
from shardkit.reader.dataset import NotThere, Split


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
