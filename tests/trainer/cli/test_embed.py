"""`trainer embed`: in the index's order, of unit length, and readable by others."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import shardkit
from tests.trainer.cli.said import said, shown
from tests.trainer.jobs import finish, start


def test_ids_and_order_are_the_index_s(
    run: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, "embed", run, tmp_path / "all.parquet", "--split", "train")
    assert text.endswith("68 embeddings of 16 numbers, at step 12.")
    table = pq.read_table(tmp_path / "all.parquet")
    dataset = shardkit.open(data)
    samples = [each for shard in dataset["train"].shards for each in dataset.samples(shard)]
    assert table["key"].to_pylist() == [each.key for each in samples]
    assert table["subject"].to_pylist() == [each.subject for each in samples]
    assert table["label"].to_pylist() == [each.label for each in samples]


def test_a_vector_is_that_of_its_own_sample(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the batch: rows of four in another order of ranks and batches give the same."""
    said(capsys, "embed", run, tmp_path / "one.npz", "--dtype", "fp32")
    said(capsys, "embed", run, tmp_path / "other.npz", "--dtype", "fp32", "--data.global_batch", "4")
    one, other = np.load(tmp_path / "one.npz"), np.load(tmp_path / "other.npz")
    assert (one["embeddings"] == other["embeddings"]).all()
    assert len(np.unique(one["embeddings"], axis=0)) == 28


def test_both_files_hold_the_same(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for ending in ("npz", "parquet"):
        said(capsys, "embed", run, tmp_path / f"all.{ending}")
    table, arrays = pq.read_table(tmp_path / "all.parquet"), np.load(tmp_path / "all.npz", allow_pickle=False)
    assert set(arrays.files) == {"embeddings", "key", "subject", "label"}
    assert np.array_equal(np.stack(table["embedding"].to_numpy()), arrays["embeddings"])
    for name in ("key", "subject", "label"):
        assert table[name].to_pylist() == arrays[name].tolist()


def test_half_precision_is_half_of_it_and_of_unit_length(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mistake 9 of the guides: compression of unit vectors gains nothing, half precision exactly half."""
    for dtype in ("fp16", "fp32"):
        said(capsys, "embed", run, tmp_path / f"{dtype}.npz", "--dtype", dtype)
    half, whole = (np.load(tmp_path / f"{dtype}.npz")["embeddings"] for dtype in ("fp16", "fp32"))
    assert (half.dtype, whole.dtype) == (np.float16, np.float32)
    assert 2 * half.nbytes == whole.nbytes
    assert np.allclose(np.linalg.norm(whole.astype(np.float64), axis=1), 1, atol=1e-7)
    assert np.abs(half - whole).max() <= 2**-11


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("all.csv", "whose name must end in .parquet or .npz"),
        ("missing/all.npz", "there is no folder"),
        ("folder.npz", "OUT is a file"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_told_before_the_work(
    tmp_path: Path, out: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder.npz").mkdir()
    assert says in said(capsys, "embed", tmp_path / "no run either", tmp_path / out, code=2)


def test_two_ranks_give_what_one_gives(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (["evaluate", str(run), "--json"], ["embed", str(run), str(tmp_path / "two.parquet")])
    judged, written = (finish(each) for each in [start(2, each) for each in words])
    assert (judged.code, written.code) == (0, 0), judged.said + written.said
    line = next(line for line in judged.said.splitlines() if line.startswith("{"))
    assert json.loads(line) == json.loads(shown(capsys, "evaluate", run, "--json"))
    said(capsys, "embed", run, tmp_path / "one.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
