"""Real ranks: as many batches each however unequal the shards, no hang, and a killed job goes on with another world."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.shardkit.stream import rank_processes
from tests.shardkit.stream.prints import Prints, hurt
from tests.shardkit.stream.rank_processes import joined, launch
from tests.shardkit.stream.streams import rows, streamed

pytestmark = pytest.mark.usefixtures("server_that_stays")
WORLDS = (1, 2, 3, 4)
BATCH = 12
OPTIONS: list[dict[str, Any]] = [
    {"global_batch": BATCH, "tail": tail, "seed": seed, "sampler": sampler, "threads": 1}
    for tail, seed, sampler in (("drop", 0, "uniform"), ("mask", 1, "uniform"), ("wrap", 2, "balanced"))
]
MASKED: dict[str, Any] = {"global_batch": BATCH, "tail": "mask", "threads": 1}


@pytest.fixture
def uneven(every_prints: dict[str, Prints]) -> Prints:
    return every_prints["uneven"]


@pytest.mark.parametrize("world", WORLDS)
def test_ranks_get_as_many_batches_and_the_same_rows(uneven: Prints, tmp_path: Path, world: int) -> None:
    ended = launch(tmp_path / "job", world, rank_processes.epochs, uneven.folder, OPTIONS)

    assert ended.codes == [0] * world
    for number, options in enumerate(OPTIONS):
        expected = rows([streamed(uneven, **options)])
        promised = {rank[number][0] for rank in ended.results}
        assert promised == {len(expected)}
        assert joined([rank[number][1] for rank in ended.results]) == expected


@pytest.mark.parametrize(("world", "other"), [(3, 2), (2, 4)])
def test_a_killed_job_goes_on_with_another_world(uneven: Prints, tmp_path: Path, world: int, other: int) -> None:
    options, checkpoint = MASKED, tmp_path / "checkpoint.json"

    killed = launch(tmp_path / "one", world, rank_processes.until_killed, uneven.folder, checkpoint, options, 2)
    assert killed.codes[-1] == -signal.SIGKILL
    assert all(killed.codes), "no rank takes that for the end of an epoch"
    ended = launch(tmp_path / "two", other, rank_processes.resumed, uneven.folder, checkpoint, options)

    whole = rows([streamed(uneven, **options)])
    step = json.loads(checkpoint.read_text())["step"]
    assert step == 2
    assert ended.codes == [0] * other
    assert joined(ended.results) == whole[step:]
    once = [number for row in whole[:step] + joined(ended.results) for number in row if number >= 0]
    assert sorted(once) == list(range(len(uneven)))


def test_bad_samples_are_substituted_and_ranks_stay_in_step(uneven: Prints, tmp_path: Path) -> None:
    """FAULTS 21."""
    bad, options = {5, 6, 40}, MASKED
    folder = hurt(uneven, tmp_path, *bad).folder
    ended = launch(tmp_path / "job", 2, rank_processes.with_substitutes, folder, options)
    alone = launch(tmp_path / "alone", 1, rank_processes.with_substitutes, folder, options)

    assert ended.codes == [0, 0]
    served = joined([rank["rows"] for rank in ended.results])
    assert served == alone.results[0]["rows"], "the same samples take their place in every world"
    assert len(served) == len(rows([streamed(uneven, **options)]))
    assert not bad & {number for row in served for number in row}
    kept = [each for rank in ended.results for each in rank["quarantine"]]
    assert {key for key, _ in kept} == {uneven.keys[number] for number in bad}
    assert dict(kept)[uneven.keys[5]] == uneven.keys[7], "the next one that is sound"
    told = "\n".join(line for rank in ended.results for line in rank["told"])
    assert all(f"{key} is bad and {instead} is served instead" in told for key, instead in kept)
