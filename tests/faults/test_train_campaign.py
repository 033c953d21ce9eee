"""FAULTS 24, at random: a run killed again and again in any way, on any number of ranks, ends as a straight one."""

import random
from pathlib import Path

import pytest

from tests.trainer.jobs import arguments, job, steps
from tests.trainer.patterns import packed
from tests.trainer.test_never_lost import LAST, SEVERAL_BUCKETS, assert_same_run

ALONE = ("kill", "write", "term")
TOGETHER = ("kill", "write", "kill-agent", "term-agent")
"""With a process of torchrun's to be killed; without one it would be ours."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("patterns"))


@pytest.mark.campaign
@pytest.mark.parametrize("dtype", ["off", "bf16"])
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_killed_at_random_steps_again_and_again(data: Path, tmp_path: Path, ranks: int, dtype: str) -> None:
    """Eight micro-batches a row, so that four ranks accumulate too."""
    options = {"amp.dtype": dtype, "data.micro_batch": 2, **SEVERAL_BUCKETS}
    words = arguments(data, tmp_path / "run", **options)
    chance = random.Random(f"train {ranks} {dtype}")  # noqa: S311 - moments, not secrets
    for _ in range(chance.randint(2, 3)):
        fault = drawn(chance, ranks, newest(tmp_path / "run"))
        ended = job(ranks, words, fault)
        if not ended.code:  # asked to stop near its end, it was faster
            assert fault.startswith("term-agent"), f"{fault}: {ended.said}"
            break
    ended = job(ranks, words)
    assert ended.code == 0, ended.said

    straight = job(ranks, arguments(data, tmp_path / "straight", **options))
    assert straight.code == 0, straight.said
    assert_same_run(tmp_path / "run", tmp_path / "straight")


def newest(folder: Path) -> int:
    """The last of them may lack its seal, and then the one before is gone on from."""
    return max([0, *steps(folder)])


def drawn(chance: random.Random, ranks: int, done: int) -> str:
    """A fault that the rest of the run still meets; every second step is saved, by rank 0."""
    kind = chance.choice(TOGETHER if ranks > 1 else ALONE)
    if kind == "write":
        return f"write step={chance.randrange(min(done // 2 * 2 + 2, LAST), LAST + 1, 2)}"
    return f"{kind} rank={chance.randrange(ranks)} step={chance.randrange(min(done, LAST - 1), LAST)}"
