"""Names of splits and shards that could not be told from other files are refused."""

import pytest

from shardkit.errors import UsageError
from shardkit.format.generation import check_split_name, check_split_names, shard_name


@pytest.mark.parametrize("name", ["train", "fold0", "my-test", "v1.2_a", "x" * 64, "shard", "indexed", "my-shards"])
def test_ordinary_split_names_are_taken(name: str) -> None:
    check_split_name(name)


@pytest.mark.parametrize("name", ["", "my test", "a/b", "..", ".hidden", "-x", "é", "a\n", "a\0", "x" * 65])
def test_a_name_that_no_file_may_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not valid, because shard files begin with it"):
        check_split_name(name)


@pytest.mark.parametrize(
    "name",
    ["B3SUMS", "b3sums-2", "SHA256SUMS", "shards", "Shards-00001", "subjects", "skipped", "index", "INDEX", "manifest"],
)
def test_a_name_of_the_datasets_own_files_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="reserved, because files of the dataset itself"):
        check_split_name(name)


def test_splits_that_differ_in_case_alone_are_refused() -> None:
    with pytest.raises(UsageError, match="'Train' and 'train': differ only in upper and lower case"):
        check_split_names(["train", "val", "Train"])
    with pytest.raises(UsageError, match="'train' and 'Train': differ only"):
        check_split_names(["val", "Train"], existing=["train"])


def test_splits_that_a_dataset_has_are_not_asked_again() -> None:
    check_split_names(["shards", "val"], existing=["shards"])


def test_shards_sort_as_they_are_numbered() -> None:
    assert shard_name("train", 999_999) == "train-999999.tar"
    with pytest.raises(UsageError, match=r"more than 1,000,000 shards.*--shard-size"):
        shard_name("train", 1_000_000)
