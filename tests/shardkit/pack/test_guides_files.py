"""The files that guides of twin training read, as `make_twins` writes them: packed by them as by the paths."""

import csv
import json
from pathlib import Path

import pytest

from shardkit.reader.dataset import Dataset, open_dataset
from synthetic.tree import GROUPS_FILE, Layout, Tree
from synthetic.twins.ledgers import DATASET_FILE, PAIRS_FILE, publish_ledgers
from tests import trees
from tests.commands import packed, ran
from tests.pictures import png

SUBJECTS, IMAGES = 24, 2


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make_twins` leaves, but for the faces."""
    tree = Tree(tmp_path_factory.mktemp("twins"), Layout(), SUBJECTS, IMAGES, 0)
    names = [tree.layout.of(subject, image) for subject in range(SUBJECTS) for image in range(IMAGES)]
    trees.planted(tree.out, {name: png(seed=number) for number, name in enumerate(names)})
    publish_ledgers(tree)
    return tree.out


def guides(source: Path) -> tuple[object, ...]:
    return "--files", source / DATASET_FILE, "--groups", source / PAIRS_FILE


def together(dataset: Dataset) -> set[frozenset[str]]:
    groups: dict[str, set[str]] = {}
    for each in dataset.subjects:
        groups.setdefault(each.group, set()).add(each.subject)
    return set(map(frozenset, groups.values()))


def test_packed_by_the_guides_files_as_by_the_paths(source: Path, tmp_path: Path) -> None:
    theirs = open_dataset(packed(source, tmp_path / "theirs", *guides(source)))
    ours = open_dataset(packed(source, tmp_path / "ours", "--groups", source / GROUPS_FILE))
    assert trees.members(tmp_path / "theirs") == trees.members(tmp_path / "ours")
    assert {each.subject: each.label for each in theirs.subjects} == {
        each.subject: each.label for each in ours.subjects
    }
    assert together(theirs) == together(ours)
    assert len(together(ours)) == SUBJECTS // 2


def test_a_table_of_the_same_groups_makes_the_same_splits(source: Path, tmp_path: Path) -> None:
    pairs = json.loads((source / PAIRS_FILE).read_bytes())
    with (tmp_path / "groups.csv").open("w") as file:
        csv.writer(file).writerows((one, min(pair)) for pair in pairs for one in pair)
    split = ("--split", "train=0.5,val=0.3,test=0.2")
    theirs = open_dataset(packed(source, tmp_path / "theirs", *split, *guides(source)))
    ours = open_dataset(packed(source, tmp_path / "ours", *split, "--groups", tmp_path / "groups.csv"))
    assert (theirs.digest, theirs.subjects) == (ours.digest, ours.subjects)


def test_no_pair_of_twins_is_in_two_splits(source: Path, tmp_path: Path) -> None:
    """Mistake 11, as a user would make it: by chance alone, twelve pairs would hardly all stay whole."""
    dataset = open_dataset(
        packed(source, tmp_path / "packed", "--split", "train=0.4,val=0.3,test=0.3", *guides(source))
    )
    split_of = {each.subject: each.split for each in dataset.subjects}
    assert len({*split_of.values()}) == 3
    assert all(split_of[one] == split_of[other] for one, other in json.loads((source / PAIRS_FILE).read_bytes()))


def test_the_same_command_goes_on(source: Path, tmp_path: Path) -> None:
    options = ("--shard-size", "2KB", "--split", "train=0.5,val=0.5", *guides(source))
    assert ran("pack", source, tmp_path / "half", *options, "--task", "1/2").code == 0
    whole = trees.files(packed(source, tmp_path / "whole", *options))
    assert trees.files(packed(source, tmp_path / "half", *options)) == whole
    paths = ran("pack", source, tmp_path / "half", *options[:4], "--groups", source / PAIRS_FILE)
    assert paths.code == 5


def test_two_images_of_one_name_are_told(tmp_path: Path) -> None:
    source = trees.planted(tmp_path / "source", {"a/1.png": png(seed=1), "b/1.png": png(seed=2)})
    path = tmp_path / "dataset_infor.json"
    path.write_text(json.dumps({"x": ["a/1.png", "b/1.png"]}))
    ended = ran("pack", source, tmp_path / "packed", "--files", path)
    assert ended.code == 2
    assert "would both be x/1. Tell them apart with --layout" in ended.error
    layout = "{impression}/{subject}.png"
    assert ran("pack", source, tmp_path / "packed", "--files", path, "--layout", layout).code == 0


def test_paths_as_seen_from_elsewhere_are_told(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "dataset_infor.json"
    path.write_text(json.dumps({"x": ["data/1.png"]}))
    ended = ran("pack", source, tmp_path / "packed", "--files", path)
    assert ended.code == 2
    assert f"are relative to {source}: write them as seen from there" in ended.error


def test_pairs_of_strangers(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.json"
    path.write_text(json.dumps([["000000", "000001"], ["000002", "nobody"]]))
    ended = ran("pack", source, tmp_path / "packed", "--groups", path)
    assert ended.code == 0
    assert "names 1 of 4 in vain: nobody is not" in ended.stderr
    path.write_text(json.dumps([["x", "y"]]))
    assert "names none of the subjects" in ran("pack", source, tmp_path / "other", "--groups", path).error


def test_a_triplet_that_is_born_later(tmp_path: Path) -> None:
    """With a smaller id than those whom it joins: the group keeps its name, so that the three can be paired."""
    files = {f"{subject}/{image}.png": png(seed=3 * subject + image) for subject in range(6) for image in range(2)}
    source, pairs = (
        trees.planted(tmp_path / "source", {k: v for k, v in files.items() if k[0] != "0"}),
        tmp_path / "p.json",
    )
    pairs.write_text(json.dumps([["1", "2"], ["3", "4"]]))
    folder = packed(source, tmp_path / "packed", "--split", "train=0.5,val=0.5", "--groups", pairs)
    trees.planted(source, files)
    pairs.write_text(json.dumps([["2", "1"], ["3", "4"], ["0", "2"]]))
    assert ran("append", source, folder, "--groups", pairs).code == 0
    dataset = open_dataset(folder)
    assert together(dataset) == {frozenset("012"), frozenset("34"), frozenset("5")}
    assert len({each.split for each in dataset.subjects if each.subject in "012"}) == 1


def test_twins_who_are_apart_already_are_told(source: Path, tmp_path: Path) -> None:
    folder = packed(
        source, tmp_path / "packed", "--split", "train=0.5,val=0.5", "--exclude", _names(tmp_path, "000023/00")
    )
    pairs = json.loads((source / PAIRS_FILE).read_bytes())
    split_of = {each.subject: each.split for each in open_dataset(folder).subjects}
    torn = [one for one, other in pairs if split_of[one] != split_of[other]]
    ended = ran("append", source, folder, "--groups", source / PAIRS_FILE, "--exclude", _names(tmp_path))
    assert ended.code == 0
    assert f"Warning: {len(torn)} groups have members in several splits already, such as {torn[0]}" in ended.stderr


def _names(tmp_path: Path, *keys: str) -> Path:
    path = tmp_path / "exclude.txt"
    path.write_text("\n".join(keys))
    return path


def test_an_append_asks_for_a_list_of_the_kind_that_was_packed(source: Path, tmp_path: Path) -> None:
    """Paths may name subjects otherwise than the list did: the same images would come again, as others."""
    lists = json.loads((source / DATASET_FILE).read_bytes())
    path = tmp_path / "dataset_infor.json"
    path.write_text(json.dumps({f"person {name}": paths for name, paths in lists.items() if name < "000020"}))
    folder = packed(source, tmp_path / "packed", "--files", path)
    refused = ran("append", source, folder)
    assert refused.code == 2
    assert "a list said whose its images are" in refused.error
    path.write_text(json.dumps({f"person {name}": paths for name, paths in lists.items()}))
    ended = ran("append", source, folder, "--files", path, "--json")
    assert (ended.code, ended.json["packed"]) == (0, 8)
