"""Mistakes 10 and 11 of the users' own guides, as near to a run as they can be seen."""

from pathlib import Path

import torch

import shardkit
from shardkit.cli.commands.pack import pack
from tests.trainer.evaluation.samples import clustered
from tests.trainer.patterns import tree
from trainer.evaluation.embedding import groups_of
from trainer.evaluation.verification import MIN_ACCEPTED, verify

SUBJECTS, TWINS = 30, 24


def twins_packed(folder: Path) -> Path:
    """Twins two by two, but for the last six subjects, who have none."""
    tree(folder / "source", SUBJECTS, 2)
    pairs = [f"{subject:03d},family-{subject // 2}" for subject in range(TWINS)]
    (folder / "groups.csv").write_text("\n".join(pairs) + "\n")
    options = ["--groups", str(folder / "groups.csv"), "--split", "train=0.5,val=0.5", "--codec", "raw"]
    pack.main([str(folder / "source"), str(folder / "packed"), *options, "--workers", "1"], standalone_mode=False)
    return folder / "packed"


def test_10_no_rate_is_told_that_the_pairs_cannot_resolve_but_how_many_could() -> None:
    """5,000 sampled impostors are half a pair at FAR 1e-4. All pairs are compared, and fewer than ten tell nothing."""
    samples = clustered(100, 2, 0.5)
    said = verify(samples.embeddings, samples.labels, far=(1e-3, 1e-4))

    assert said.non_mated * 1e-4 < MIN_ACCEPTED < said.non_mated * 1e-3
    assert said.tar[1e-3] is not None
    assert said.tar[1e-4] is None
    assert {far: need.pairs for far, need in said.power.needs.items()} == {1e-4: 100_000}


def test_11_twins_stay_in_one_split(tmp_path: Path) -> None:
    """Split at random, every other pair of twins would have one in training and one in validation."""
    splits = {each.subject: each.split for each in shardkit.open(twins_packed(tmp_path)).subjects}

    assert set(splits.values()) == {"train", "val"}
    for one in range(0, TWINS, 2):
        assert splits[f"{one:03d}"] == splits[f"{one + 1:03d}"]


def test_11_and_are_judged_as_twins(tmp_path: Path) -> None:
    path = twins_packed(tmp_path)
    judged = 0
    for split in ("train", "val"):
        groups = groups_of(str(path), None, split)
        assert groups is not None
        for each in shardkit.open(path).subjects:
            assert each.split != split or (groups[each.label] >= 0) == (int(each.subject) < TWINS)
        labels = torch.arange(len(groups)).repeat_interleave(2)
        twins = verify(torch.eye(len(groups))[labels], labels, far=(), groups=groups[labels]).twins
        assert twins
        assert (twins.mated, twins.non_mated) == (twins.subjects, 2 * twins.subjects)
        judged += twins.subjects
    assert judged == TWINS


def test_11_a_dataset_without_groups_has_no_twins(data: Path) -> None:
    assert groups_of(str(data), None, "val") is None
