"""docs/format.md is enough to read a dataset, by the reader in it, to compute its digests, and to write one."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from shardkit.format.digests import dataset_digest
from shardkit.reader.dataset import open_dataset
from tests.commands import ran
from tests.packed import packed
from tests.support.dataset_writer import Edits, build
from tests.support.format_digests import digest_rows

ROOT = Path(__file__).parents[1]
Samples = Callable[[Path], Iterator[tuple[str, str, int, bytes]]]

HONEST = {
    "a tree": Edits(),
    "three generations": Edits(generations=3),
    "splits of other names": Edits(splits=("a", "b.x"), generations=2),
    "arrays": Edits(kind="arrays"),
    "adopted tars": Edits(kind="adopted"),
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed(tmp_path_factory.mktemp("document"))


def documented() -> Samples:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "docs/format.md").read_text(), re.DOTALL)[-1]
    names: dict[str, Samples] = {}
    exec(code, names)  # noqa: S102 - our own document
    return names["samples"]


def test_a_stranger_reads_every_sample(dataset: Path) -> None:
    opened = open_dataset(dataset)
    expected = [(shard.split, each.key, each.label) for shard in opened.shards for each in opened.samples(shard)]

    assert [read[:3] for read in documented()(dataset)] == expected


def test_a_stranger_reckons_the_digest_of_rows(dataset: Path) -> None:
    opened = open_dataset(dataset)

    for shard in opened.shards:
        rows = opened.rows(shard)
        assert digest_rows(rows) == shard.rows


def test_a_stranger_reckons_the_digest_of_the_dataset(dataset: Path) -> None:
    shards = open_dataset(dataset).shards
    lines = "".join(f"{shard.name}\0{shard.blake3}\0{shard.rows}\n" for shard in shards)

    assert blake3(lines.encode()).hexdigest() == open_dataset(dataset).digest
    assert (
        dataset_digest((each.name, each.blake3, each.rows) for each in reversed(shards)) == open_dataset(dataset).digest
    )


@pytest.mark.parametrize("edits", HONEST.values(), ids=HONEST)
def test_an_honest_dataset_that_follows_the_document_has_no_damage(edits: Edits, tmp_path: Path) -> None:
    build(edits).write(tmp_path)

    verified = ran("verify", tmp_path)

    assert verified.code == 0, verified.stderr


@pytest.mark.parametrize("edits", HONEST.values(), ids=HONEST)
def test_a_lost_manifest_is_rebuilt_from_what_the_document_says(edits: Edits, tmp_path: Path) -> None:
    dataset = build(edits)
    dataset.write(tmp_path)
    (tmp_path / "manifest.json").unlink()

    assert ran("repair", tmp_path).code == 0
    assert (tmp_path / "manifest.json").read_bytes() == dataset.files["manifest.json"]
