"""FAULTS 16 and 21 in a stream: damage is raised with its place, or another sample is served and all stay in step."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shardkit.errors import Damaged
from shardkit.reader.dataset import open_dataset
from shardkit.stream.collate.bad_samples import BadSlot, ReplacementFinder
from shardkit.stream.order.options import SplitCatalog
from tests.commands import ROOT, environment
from tests.shardkit.stream.prints import Prints, hurt
from tests.shardkit.stream.rank_processes import PATIENCE
from tests.shardkit.stream.streams import all_ranks, assert_as_packed, given, numbers, resumed, rows, streamed

BAD = 13
IN_ORDER: dict[str, Any] = {"batch_size": 4, "shuffle": False, "tail": "mask"}


@pytest.fixture
def one_bad(prints: Prints, tmp_path: Path) -> Prints:
    return hurt(prints, tmp_path, BAD)


def shard_of(prints: Prints, number: int) -> Path:
    dataset = open_dataset(prints.folder)
    names = [shard.name for shard in dataset["train"].shards for _ in range(shard.samples)]
    return prints.folder / names[number]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("workers", [0, 2])
def test_damage_is_raised_with_its_place_behind_the_rows_before_it(one_bad: Prints, threads: int, workers: int) -> None:
    stream, served = streamed(one_bad, threads=threads, **IN_ORDER), []
    with pytest.raises(Damaged) as caught:
        served = [numbers(batch) for batch in given(stream, workers)]
    assert not served
    for part in (one_bad.keys[BAD], shard_of(one_bad, BAD).name, "at byte ", "shardkit verify"):
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_before_the_bad_one_are_served(one_bad: Prints) -> None:
    batches = iter(streamed(one_bad, **IN_ORDER))
    for row in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]):
        batch = next(batches)
        assert numbers(batch) == row
        assert_as_packed(one_bad, batch)
    with pytest.raises(Damaged):
        next(batches)


def test_a_stream_that_raised_can_be_gone_through_again(one_bad: Prints, prints: Prints) -> None:
    stream = streamed(one_bad, **IN_ORDER)
    for _ in range(2):
        with pytest.raises(Damaged):
            list(stream)
        assert stream.state_dict()["step"] == 3, "behind the last batch that was given"
    shard_of(one_bad, BAD).write_bytes(shard_of(prints, BAD).read_bytes())

    assert rows([stream]) == rows([streamed(prints, **IN_ORDER)])


def test_the_next_sample_takes_the_place_of_a_bad_one(
    one_bad: Prints, prints: Prints, caplog: pytest.LogCaptureFixture
) -> None:
    stream = streamed(one_bad, on_bad="substitute", **IN_ORDER)
    with caplog.at_level(logging.WARNING, "shardkit.stream"):
        batches = [*stream, *stream]

    flat = [number for batch in batches for number in numbers(batch)]
    plain = [number for batch in [*streamed(prints, **IN_ORDER)] * 2 for number in numbers(batch)]
    assert flat == [BAD + 1 if number == BAD else number for number in plain]
    for batch in batches:
        assert_as_packed(one_bad, batch)
    [bad] = stream.quarantine
    assert (bad.key, bad.instead) == (one_bad.keys[BAD], one_bad.keys[BAD + 1])
    assert shard_of(one_bad, BAD).name in bad.why
    [told] = caplog.messages
    assert all(part in told for part in (bad.key, bad.instead, bad.why, "shardkit verify"))


def test_states_know_nothing_of_substitutes(one_bad: Prints, prints: Prints) -> None:
    """So a job goes on whether or not the dataset was repaired in between."""
    options = {"global_batch": 4, "seed": 3}
    broken = list(streamed(one_bad, on_bad="substitute", **options))
    sound = list(streamed(prints, **options))

    assert [batch.state for batch in broken] == [batch.state for batch in sound]
    [stream] = resumed(one_bad, 1, sound[2].state, on_bad="substitute", **options)
    assert rows([stream]) == [numbers(batch) for batch in broken[3:]]


@pytest.mark.parametrize("world", [1, 2, 4])
def test_every_world_serves_the_same_substitutes(prints: Prints, tmp_path: Path, world: int) -> None:
    bad = hurt(prints, tmp_path, 0, 1, 2, 3, 26)
    ranks = all_ranks(bad, world, global_batch=8, tail="mask", on_bad="substitute")
    alone = [streamed(bad, global_batch=8, tail="mask", on_bad="substitute", threads=3)]

    served = rows(ranks)
    assert served == rows(alone)
    assert {0, 1, 2, 3, 26}.isdisjoint(number for row in served for number in row)


def subjects_of(prints: Prints, found: list[int]) -> list[str]:
    return [prints.keys[number].split("/")[0] for number in found]


SEVERAL: dict[str, Any] = {"global_batch": 6, "tail": "drop", "on_bad": "substitute"}


@pytest.mark.parametrize("sampler", ["uniform", "balanced"])
def test_a_substitute_is_of_the_subset(prints: Prints, tmp_path: Path, sampler: str) -> None:
    options = {**SEVERAL, "subset": 18, "sampler": sampler, "tail": "mask"}
    chosen = {number for row in rows([streamed(prints, **options)]) for number in row}
    bad = {number for number in chosen if number % 3 == 0 or number - 1 not in chosen} - {-1}
    assert bad

    served = {number for row in rows([streamed(hurt(prints, tmp_path, *bad), **options)]) for number in row}

    assert served <= chosen - bad


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize(
    ("bad", "subset"), [({13}, None), ({12, 13}, None), ({12, 13, 14, 15, 16, 17, 20}, None), ({0, 1, 2, 26}, 24)]
)
def test_a_row_of_pk_keeps_its_subjects_and_their_samples_apart(
    prints: Prints, tmp_path: Path, bad: set[int], subset: int | None, world: int
) -> None:
    """Three subjects with two samples each, also where one, two or all three samples of a subject are bad."""
    options = {**SEVERAL, "sampler": "pk", "impressions_per_subject": 2, "subset": subset}
    hurt_prints = hurt(prints, tmp_path, *bad)
    for seed in range(4):
        planned = rows([streamed(prints, seed=seed, **options)])
        served = rows(all_ranks(hurt_prints, world, seed=seed, **options))
        assert world == 1 or served == rows([streamed(hurt_prints, seed=seed, **options)])
        assert len(served) == len(planned)
        for row, plan in zip(served, planned, strict=True):
            assert not bad & {*row}
            assert len({*row}) == 6
            subjects = subjects_of(prints, row)
            assert subjects[::2] == subjects[1::2]
            assert len({*subjects}) == 3
            if not bad & {*plan}:
                assert row == plan


@pytest.mark.parametrize("world", [1, 3])
@pytest.mark.parametrize("bad", [{13}, {12, 13}, {12, 13, 14}])
def test_pairs_stay_mated_or_not(prints: Prints, tmp_path: Path, bad: set[int], world: int) -> None:
    hurt_prints = hurt(prints, tmp_path, *bad)
    for seed in range(4):
        options = {**SEVERAL, "sampler": "pairs", "seed": seed}
        planned = rows([streamed(prints, **options)])
        for row, plan in zip(rows(all_ranks(hurt_prints, world, **options)), planned, strict=True):
            assert not bad & {*row}
            for first, second, *before in zip(row[::2], row[1::2], plan[::2], plan[1::2], strict=True):
                assert first != second
                one, other = subjects_of(prints, [first, second])
                was, would = subjects_of(prints, before)
                assert (one == other) == (was == would)


def test_what_stands_in_for_a_pair_of_two_subjects_is_of_their_group_if_it_can_be() -> None:
    """Subject n has the sample n alone; the row shows 0 to 3 and 8, 9."""
    subjects, groups = np.arange(10), np.array([0, 0, 1, 2, 0, 1, 2, 2, 3, 3])
    substitutes = ReplacementFinder("pairs", 2, SplitCatalog(np.array([10]), subjects, groups), None)
    row = np.array([0, 1, 2, 3, 8, 9])

    def tried(number: int) -> list[int]:
        place = BadSlot(number, row.tolist().index(number), row, row)
        return [each for plan in substitutes.plans(place) for each in plan.candidates]

    assert {*tried(0)} == {4, 5, 6, 7}
    assert tried(0)[0] == 4, "a hard pair stays one"
    assert {*tried(2)} == {4, 5}, "never of the group of the other one"
    assert {*tried(8)} == {4, 5, 6, 7}, "another group where there is none of its own"


def test_a_balanced_subject_is_served_as_often(prints: Prints, tmp_path: Path) -> None:
    options = {**SEVERAL, "sampler": "balanced", "tail": "mask"}
    planned = rows([streamed(prints, **options)])
    served = rows([streamed(hurt(prints, tmp_path, 14, 5), **options)])

    for row, plan in zip(served, planned, strict=True):
        present = [number for number in plan if number >= 0]
        assert subjects_of(prints, [number for number in row if number >= 0]) == subjects_of(prints, present)


def _cut(path: Path) -> None:
    with path.open("r+b") as tar:
        tar.truncate(path.stat().st_size - 700)


def _swap(path: Path) -> None:
    path.write_bytes(path.with_name(path.name.replace("-000004", "-000005")).read_bytes())


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("damage", [Path.unlink, _cut, _swap, _pipe])
def test_a_shard_that_is_not_what_it_was_is_as_bad_as_all_its_samples(
    prints: Prints, tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    bad = hurt(prints, tmp_path)
    path = shard_of(bad, BAD)
    damage(path)

    with pytest.raises(Damaged) as caught:
        rows([streamed(bad, **IN_ORDER)])
    assert path.name in str(caught.value)
    served = {number for row in rows([streamed(bad, on_bad="substitute", **IN_ORDER)]) for number in row}
    assert served == {-1, *range(12), *range(15, 27)}


def test_where_everything_is_bad_nothing_is_served(prints: Prints, tmp_path: Path) -> None:
    bad = hurt(prints, tmp_path, *range(len(prints)))

    with pytest.raises(Damaged):
        next(iter(streamed(bad, on_bad="substitute", batch_size=4)))


def test_without_checks_bytes_are_served_as_they_are(one_bad: Prints) -> None:
    """Whoever turns checks off gets what lies there, headers and shapes looked at all the same."""
    assert len(rows([streamed(one_bad, check=False, **IN_ORDER)])) == 7


def test_torchrun_ends_every_rank_and_names_the_sample(one_bad: Prints) -> None:
    """FAULTS 21: one rank meets a bad sample in mid-epoch, while the other one waits for it."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += ["-m", "tests.shardkit.stream.under_torchrun", str(one_bad.folder)]
    running = subprocess.Popen(
        command,
        env=environment(OMP_NUM_THREADS="1"),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        _, said = running.communicate(timeout=PATIENCE)
    finally:
        _end(running.pid)

    assert running.returncode != 0
    assert Damaged.__name__ in said
    assert f"'{one_bad.keys[BAD]}.npy' at byte" in said


def _end(group: int) -> None:
    """Whatever of it is left."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
