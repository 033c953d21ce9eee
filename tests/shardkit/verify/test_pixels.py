"""`--decode` sees what no digest can: bytes that are as packed, and were no picture from the start."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from shardkit.reader.dataset import open_dataset
from shardkit.reader.shard import open_shard
from shardkit.verify.findings import FindingKind
from shardkit.verify.member_table import member_table
from shardkit.verify.pixels import pixel_check
from shardkit.verify.verifier import Level
from tests.pictures import damaged
from tests.shardkit.verify.small import Small, flipped, packed, tree


@pytest.mark.parametrize("codec", ["png", "zstd", "lz4", "raw"])
def test_every_codec_is_decoded(origin: Small, tmp_path: Path, codec: str) -> None:
    small = Small(origin.source, packed(origin.source, tmp_path / "packed", "--codec", codec))

    assert small.findings(Level.DECODE) == ()


def test_an_image_that_cannot_be_decoded_is_found(tmp_path: Path) -> None:
    root = tree(tmp_path / "source", 2)
    (root / "001" / "odd.png").write_bytes(damaged()["a wrong Adler"][0])
    small = Small(root, packed(root, tmp_path / "packed", "--workers", "1"))

    assert small.findings() == ()
    (finding,) = small.findings(Level.DECODE)
    assert (finding.kind, finding.key) == (FindingKind.PIXELS, "001/odd")


@pytest.mark.parametrize("column", ["width", "height", "channels", "bit_depth"])
def test_what_the_index_says_about_pixels_is_compared(small: Small, column: str) -> None:
    dataset = open_dataset(small.folder)
    shard = dataset.shards[0]
    rows = dataset.rows(shard)
    lying = pc.add(rows[column], pa.scalar(1, pa.int32()))
    columns = member_table(rows.set_column(rows.column_names.index(column), column, lying))
    with open_shard(small.folder / shard.name, shard) as file:
        image = file.record(dataset.samples(shard)[0]).image

    finding = pixel_check(shard.name, columns, from_arrays=False)(0, memoryview(image))
    assert finding is not None
    assert (finding.kind, finding.key) == (FindingKind.PIXELS, rows["key"][0].as_py())
    assert pixel_check(shard.name, member_table(rows), from_arrays=False)(0, memoryview(image)) is None


def test_lines_of_sha256sums_are_compared(small: Small) -> None:
    path = small.folder / "SHA256SUMS"
    path.write_bytes(flipped(path.read_bytes(), 0))
    findings = small.findings(Level.DECODE)

    assert {each.file for each in findings} == {"SHA256SUMS"}
