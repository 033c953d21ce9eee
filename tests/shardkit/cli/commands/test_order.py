"""`shardkit order`: the rows that a stream serves, told without one."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shardkit import StreamingDataset
from tests.commands import ran

WITHOUT_TORCH = "import sys; sys.modules['torch'] = None; from shardkit.cli.main import main; main()"


def streamed(folder: Path, **options: Any) -> list[list[str]]:  # noqa: ANN401 - a stream's own
    stream = StreamingDataset(folder, rank=0, world_size=1, threads=1, **options)
    return [batch.keys for batch in stream]


def keys(*args: object) -> list[str]:
    ended = ran("order", *args, "--json")
    assert ended.code == 0, ended.stderr
    return [json.loads(line)["key"] or "" for line in ended.stdout.splitlines()]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, []),
        ({"seed": 7, "block_rows": 1, "tail": "wrap"}, ["--seed", 7, "--block-rows", 1, "--tail", "wrap"]),
        ({"shuffle": False, "tail": "mask"}, ["--no-shuffle", "--tail", "mask"]),
        ({"sampler": "balanced"}, ["--sampler", "balanced"]),
        ({"sampler": "pk", "impressions_per_subject": 2}, ["--sampler", "pk", "--impressions-per-subject", 2]),
        ({"sampler": "pairs", "mated": 1.0, "hard": 0.0}, ["--sampler", "pairs", "--mated", 1, "--hard", 0]),
        ({"subset": 9}, ["--subset", 9]),
    ],
    ids=str,
)
def test_every_row_is_the_one_that_a_stream_serves(
    packed_once: Path, options: dict[str, Any], said: list[object]
) -> None:
    rows = streamed(packed_once, global_batch=4, **options)

    assert [keys(packed_once, "--batch", 4, "--step", step, *said) for step in range(len(rows))] == rows


def test_another_epoch_and_another_split(packed_once: Path) -> None:
    stream = StreamingDataset(packed_once, split="val", batch_size=2, rank=0, world_size=1)
    stream.set_epoch(5)

    assert keys(packed_once, "--split", "val", "--batch", 2, "--epoch", 5) == next(iter(stream)).keys


def test_a_line_tells_column_rank_and_key(packed_once: Path) -> None:
    ended = ran("order", packed_once, "--batch", 4, "--world-size", 2)

    row = streamed(packed_once, global_batch=4)[0]
    assert [line.split(maxsplit=2) for line in ended.stdout.splitlines()] == [
        [str(column), str(column // 2), key] for column, key in enumerate(row)
    ]
    assert "split train, generation 0: epoch 0, row 0 of " in ended.stderr


def test_json_tells_where_a_sample_is(packed_once: Path) -> None:
    batch = next(iter(StreamingDataset(packed_once, batch_size=4, rank=0, world_size=1)))

    said = [json.loads(line) for line in ran("order", packed_once, "--batch", 4, "--json").stdout.splitlines()]
    assert [(each["sample"], each["label"], each["column"]) for each in said] == [
        (number, label, column)
        for column, (number, label) in enumerate(zip(batch.numbers.tolist(), batch.labels.tolist(), strict=True))
    ]
    assert all((packed_once / each["shard"]).exists() for each in said)


def test_a_column_without_a_sample(packed_once: Path) -> None:
    ended = ran("order", packed_once, "--batch", 64, "--tail", "mask")

    assert sum(line.endswith("  -") for line in ended.stdout.splitlines()) > 0
    assert "" in keys(packed_once, "--batch", 64, "--tail", "mask")


@pytest.fixture
def saved(packed_once: Path, tmp_path: Path) -> Path:
    """Behind the second row of an odd order."""
    stream = StreamingDataset(packed_once, global_batch=4, seed=3, tail="mask", rank=0, world_size=1)
    states = [batch.state for batch in stream]
    file = tmp_path / "state.json"
    file.write_text(json.dumps(states[1]))
    return file


def test_a_state_tells_all_options_and_the_row_before_it(packed_once: Path, saved: Path) -> None:
    rows = streamed(packed_once, global_batch=4, seed=3, tail="mask")

    assert keys(packed_once, "--state", saved) == rows[1]
    assert keys(packed_once, "--state", saved, "--step", 0) == rows[0]


def test_a_state_at_the_start_of_an_epoch_stands_behind_the_one_before(packed_once: Path, saved: Path) -> None:
    stream = StreamingDataset(packed_once, global_batch=4, seed=3, tail="mask", rank=0, world_size=1)
    *_, last = stream
    saved.write_text(json.dumps(last.state))
    assert last.state["step"] == 0

    assert keys(packed_once, "--state", saved) == last.keys


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"epoch": 0, "step": 0}, 5, "The order before row 0"),
        ({"options": {"tail": "mask"}}, 2, "its options cannot be meant"),
        ({"options": {"split": "train", "global_batch": "4"}}, 2, "its options cannot be meant"),
        ({"options": {"split": "train", "global_batch": 4, "mated": "0.5"}}, 2, "its options cannot be meant"),
        ({"options": {"split": "train", "global_batch": 4, "shuffle": "no"}}, 2, "its options cannot be meant"),
        ({"options": []}, 2, "options"),
        ({"version": 2}, 5, "version 2"),
        ({"dataset": "0" * 64}, 5, "another dataset"),
        ({"order_digest": "0" * 16}, 5, "order_digest"),
        ({"more": 1}, 2, "no state of a stream"),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_gone_by(
    packed_once: Path, saved: Path, change: dict[str, object], code: int, told: str
) -> None:
    saved.write_text(json.dumps({**json.loads(saved.read_text()), **change}))

    ended = ran("order", packed_once, "--state", saved)
    assert (ended.code, ended.stdout) == (code, "")
    assert told in ended.error


def test_a_state_before_the_first_row_of_all(packed_once: Path, saved: Path) -> None:
    stream = StreamingDataset(packed_once, global_batch=4, rank=0, world_size=1)
    saved.write_text(json.dumps(stream.state_dict()))

    assert "no row is behind it" in ran("order", packed_once, "--state", saved).error
    assert keys(packed_once, "--state", saved, "--step", 0) == streamed(packed_once, global_batch=4)[0]


@pytest.mark.parametrize("option", [("--batch", 4), ("--no-shuffle",), ("--tail", "drop"), ("--generation", 0)])
def test_a_state_beside_options_of_its_own_is_a_mistake(
    packed_once: Path, saved: Path, option: tuple[object, ...]
) -> None:
    ended = ran("order", packed_once, "--state", saved, *option)

    assert ended.code == 2
    assert f"Leave {option[0]} out" in ended.error


@pytest.mark.parametrize("content", [None, b"no state", b"[1]", b"\xff"])
def test_a_file_that_holds_no_state(packed_once: Path, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "state.json"
    if content is not None:
        file.write_bytes(content)

    ended = ran("order", packed_once, "--state", file)
    assert ended.code == 2
    assert "state" in ended.error


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--batch", 1000], "do not fill one row of 1,000"),
        (["--batch", 4, "--step", 1000], "There is no row 1,000"),
        (["--batch", 9, "--world-size", 2], "cannot be shared evenly among 2 ranks"),
        (["--split", "vla"], "Did you mean 'val'?"),
        (["--generation", 3], "no generation 3"),
        (["--sampler", "pk"], "impressions_per_subject"),
        (["--batch", 4, "--sampler", "pairs", "--hard", 3], "hard=3.0"),
    ],
    ids=str,
)
def test_what_cannot_be_is_one_sentence(packed_once: Path, args: list[object], told: str) -> None:
    ended = ran("order", packed_once, *args)

    assert (ended.code, ended.stdout) == (2, "")
    assert told in ended.error


def test_no_dataset(tmp_path: Path) -> None:
    ended = ran("order", tmp_path)

    assert ended.code == 2
    assert "not a dataset" in ended.error


def test_a_damaged_index_is_told(packed_copy: Path) -> None:
    index = packed_copy / "index" / "train-00000.parquet"
    index.write_bytes(index.read_bytes()[:-20])

    ended = ran("order", packed_copy, "--batch", 4)
    assert ended.code == 4
    assert str(index) in ended.error


def test_neither_torch_nor_a_shard_is_needed(packed_copy: Path) -> None:
    expected = ran("order", packed_copy, "--batch", 4).stdout
    for tar in packed_copy.glob("*.tar"):
        tar.unlink()

    command = [sys.executable, "-c", WITHOUT_TORCH, "order", str(packed_copy), "--batch", "4"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, expected)
