"""What a stream says of an epoch before it is gone through: for people, and true."""

import threading
from pathlib import Path

import pytest

from shardkit import StreamingDataset
from shardkit.image.png.kernels import loaded_kernels
from shardkit.stream.description import Description, format_bytes
from tests.packed import packed
from tests.pictures import png


def described(folder: Path, **options: object) -> Description:
    return StreamingDataset(folder, **{"rank": 1, "world_size": 2, "threads": 3, **options}).describe()  # type: ignore[arg-type]  # whatever a test says


def test_rows_and_samples_are_those_of_the_epoch(packed_once: Path) -> None:
    stream = StreamingDataset(packed_once, batch_size=4, tail="mask", rank=0, world_size=1)

    said, batches = stream.describe(), list(stream)
    assert said.batches == len(batches)
    assert said.counts.served == sum(int(batch.valid.sum()) for batch in batches)
    assert said.counts.invalid == sum(int((~batch.valid).sum()) for batch in batches) > 0
    assert said.counts.samples == said.counts.served


def test_what_a_rank_needs(packed_once: Path) -> None:
    said = described(packed_once, batch_size=4, ahead=5)

    assert (said.rank, said.world_size, said.batch, said.ordering.global_batch, said.threads) == (1, 2, 4, 8, 3)
    assert (said.slot, said.batches_in_memory) == ("13 x 11 of uint8", 7)
    assert said.ring_bytes == 7 * 4 * 13 * 11
    assert described(packed_once, batch_size=4, size=20, color="rgb", ahead=5).ring_bytes == 7 * 4 * 20 * 20 * 3


def test_a_smaller_block_makes_a_smaller_window(packed_once: Path) -> None:
    large, small = described(packed_once, batch_size=2), described(packed_once, batch_size=2, block_rows=1)

    assert small.window_bytes * large.batches == large.window_bytes
    assert small.by_block


def test_subjects_are_expected_where_chance_decides(packed_once: Path) -> None:
    """Three samples of each subject; two of a batch of two are of one subject by a chance of 2 in n - 1."""
    said = described(packed_once, batch_size=2)

    assert said.distinct_subjects == pytest.approx(2 - 2 / (said.counts.samples - 1))
    paired = described(packed_once, batch_size=4, sampler="pk", impressions_per_subject=2)
    assert paired.distinct_subjects == 2
    assert described(packed_once, batch_size=2, shuffle=False).distinct_subjects is None


def test_the_page_says_all_of_it_in_lines_that_fit(packed_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(packed_once.parent)
    text = str(described(Path("packed"), batch_size=4))

    lines = {line[:11].strip(): line[11:] for line in text.splitlines()[2:]}
    assert text.startswith("packed, split train, generation 0: 2 batches an epoch\n\n")
    assert lines["batch"] == "4 samples on rank 1 of 2, 8 over all ranks"
    assert lines["order"] == "uniform, shuffled by seed 0, tail drop"
    assert lines["samples"].endswith("in the split, 16 of them served in an epoch")
    assert lines["batches"] == "6 in memory at once, slots 13 x 11 of uint8: 3.4 kB"
    assert {"left out", "subjects", "window", "reading", "index"} <= {*lines}
    assert max(map(len, text.splitlines())) <= 100


def test_what_is_repeated_not_valid_or_drawn_otherwise_is_told(packed_once: Path) -> None:
    assert "slots hold a sample that another one holds too" in str(described(packed_once, batch_size=4, tail="wrap"))
    assert "slots of the last row hold no sample" in str(described(packed_once, batch_size=4, tail="mask"))
    assert "as they lie in the shards" in str(described(packed_once, batch_size=4, shuffle=False))
    kinds = described(packed_once, batch_size=4, sampler="pk", impressions_per_subject=2)
    assert "pk, 2 impressions of each subject" in str(kinds)


def test_a_window_that_memory_cannot_hold_is_told(packed_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shardkit.host.resources.available_bytes", lambda: 1)

    said = described(packed_once, batch_size=4)
    assert not said.by_block
    assert "A smaller block_rows=" in " ".join(str(said).split())


def test_mixed_sizes_take_as_much_as_the_first_tells(tmp_path: Path) -> None:
    for number, shape in enumerate(((13, 11), (5, 7), (6, 6))):
        file = tmp_path / "source" / str(number) / "0.png"
        file.parent.mkdir(parents=True)
        file.write_bytes(png(shape=shape))
    folder = packed(tmp_path)

    assert described(folder, batch_size=1, as_list=True).ring_bytes > 0


def test_memory_for_decoding_pngs_is_counted(packed_once: Path) -> None:
    one, three = (described(packed_once, batch_size=4, threads=threads) for threads in (1, 3))

    stored = one.epoch_bytes // (one.counts.served // one.world_size)
    assert one.kernel_bytes == 2 * (stored + 13 * 11)
    assert three.kernel_bytes == 3 * one.kernel_bytes
    assert "in memory for unpacking PNGs, on 3 threads" in str(three)
    assert described(packed_once, batch_size=4, size=20).kernel_bytes == 0  # those are decoded without the kernels


def test_kernels_that_fail_are_told_once_and_in_the_description(
    packed_once: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("asked", False), ("kernels", None), ("failure", None)):
        monkeypatch.setattr(loaded_kernels, name, value)
    monkeypatch.setattr("shardkit.stream.opened_split._reported", threading.Event())
    monkeypatch.setattr("shardkit.image.png.kernels._load", fail)
    stream = StreamingDataset(packed_once, batch_size=4, rank=0, world_size=1)

    assert stream.describe().missing_kernels is None
    for _ in range(2):
        list(stream)
    [record] = [each for each in caplog.records if "kernels" in each.getMessage()]
    assert "half the rate: RuntimeError: LLVM knows no such processor" in record.getMessage()
    assert stream.describe().missing_kernels == "RuntimeError: LLVM knows no such processor"
    assert "about half the rate" in " ".join(str(stream.describe()).split())


def fail() -> None:
    raise RuntimeError("LLVM knows no such processor")


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (52_400_000, "52.4 MB"), (3 * 10**15, "3,000.0 TB")]
)
def test_sizes(count: int, said: str) -> None:
    assert format_bytes(count) == said
