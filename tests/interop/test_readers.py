"""What others make of our files with their own tools: the same bytes, without a line of shardkit."""

import gc
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from blake3 import blake3

import shardkit
from tests.packed import files

TAR, SHA256SUM, B3SUM = shutil.which("tar"), shutil.which("sha256sum"), shutil.which("b3sum")


@pytest.fixture(scope="module")
def members(packed_once: Path) -> dict[str, bytes]:
    """What every reader must find: the bytes of each member by its name."""
    dataset = shardkit.open(packed_once)
    records = [dataset[split][key] for split in dataset for key in dataset[split]]
    source = files(packed_once.parent / "source")
    images = {f"{each.sample.key}.png": source[each.sample.source] for each in records}
    return images | {
        f"{each.sample.key}.{ext}": source[each.sample.source.removesuffix(b"png") + ext.encode()]
        for each in records
        for ext in each.sidecars
    }


def tars(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tar"))


def test_gnu_tar(packed_once: Path, members: dict[str, bytes], tmp_path: Path) -> None:
    assert TAR is not None, "every Linux has tar"
    for path in tars(packed_once):
        subprocess.run([TAR, "-xf", path, "-C", tmp_path], check=True)

    assert files(tmp_path) == {name.encode(): content for name, content in members.items()}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.png")} == {0o444}


def test_pythons_tarfile(packed_once: Path, members: dict[str, bytes]) -> None:
    found = {}
    for path in tars(packed_once):
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None
                found[member.name] = content.read()

    assert found == members


# webdataset leaves its files to the garbage collector to close.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_webdataset(packed_once: Path, members: dict[str, bytes]) -> None:
    import webdataset  # noqa: PLC0415 - it imports torch where there is one

    samples = list(webdataset.WebDataset([str(path) for path in tars(packed_once)], shardshuffle=False))
    gc.collect()  # here, and not in a test that minds

    found = {
        f"{sample['__key__']}.{ext}": content
        for sample in samples
        for ext, content in sample.items()
        if not ext.startswith("__")
    }
    assert found == members
    assert len(samples) == 27


class Hash(Protocol):
    def hexdigest(self) -> str: ...


def sums(path: Path) -> dict[str, str]:
    lines = (line.split("  ", 1) for line in path.read_text().splitlines())
    return {name: digest for digest, name in lines}


@pytest.mark.parametrize(("name", "digest"), [("B3SUMS", blake3), ("SHA256SUMS", hashlib.sha256)])
def test_the_sums_are_those_of_the_files(packed_once: Path, name: str, digest: Callable[[bytes], Hash]) -> None:
    said = sums(packed_once / name)
    assert {path.name for path in tars(packed_once)} < {*said}
    assert said == {each: digest((packed_once / each).read_bytes()).hexdigest() for each in said}


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        pytest.param(SHA256SUM, "SHA256SUMS", id="sha256sum"),
        pytest.param(
            B3SUM, "B3SUMS", id="b3sum", marks=pytest.mark.skipif(not B3SUM, reason="b3sum is not installed here")
        ),
    ],
)
def test_the_tools_accept_the_sums_and_notice_a_flipped_bit(packed_copy: Path, tool: str, name: str) -> None:
    assert tool, "every Linux has sha256sum"
    check = [tool, "--check", "--quiet", name]
    assert subprocess.run(check, cwd=packed_copy, check=False, capture_output=True).returncode == 0

    tar = tars(packed_copy)[0]
    tar.write_bytes(bytes([tar.read_bytes()[0] ^ 1]) + tar.read_bytes()[1:])
    assert subprocess.run(check, cwd=packed_copy, check=False, capture_output=True).returncode == 1


def test_duckdb_queries_the_index(packed_once: Path, members: dict[str, bytes]) -> None:
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT key, image.size, len(sidecars) FROM read_parquet(?) WHERE label = 0 ORDER BY key",
            [str(packed_once / "index/train-*.parquet")],
        ).fetchall()

    assert [(size, sidecars) for _, size, sidecars in rows] == [
        (len(members[f"{key}.png"]), sum(name.startswith(f"{key}.") for name in members) - 1) for key, _, _ in rows
    ]
    assert len({key.partition("/")[0] for key, _, _ in rows}) == 1
    assert len(rows) == 3


def test_pyarrow_finds_the_bytes_of_a_sample(packed_once: Path, members: dict[str, bytes]) -> None:
    key = next(iter(shardkit.open(packed_once)["val"]))
    shards = pq.read_table(packed_once / "shards.parquet")
    index = pq.ParquetFile(packed_once / "index/val-00000.parquet")
    for group in range(index.num_row_groups):
        rows = index.read_row_group(group)
        for row in rows.filter(pc.field("key") == key).to_pylist():
            here = (pc.field("index") == "index/val-00000.parquet") & (pc.field("row_group") == group)
            shard = shards.filter(here)["name"][0].as_py()
            with (packed_once / shard).open("rb") as tar:
                tar.seek(row["image"]["offset"])
                assert tar.read(row["image"]["size"]) == members[f"{key}.png"]
            return
    pytest.fail(f"{key} is not in the index")
