"""Datasets that have a history: appended to, forgotten from, or adopted from another tool."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shardkit.cli.commands.append import append
from shardkit.cli.commands.index import index
from shardkit.format.tables import read_table
from shardkit.reader.dataset import open_dataset
from shardkit.verify.findings import FindingKind
from tests.foreign_tars import write
from tests.pictures import png
from tests.shardkit.verify.small import Small, flipped, flips, run


@pytest.fixture
def appended(small: Small, tmp_path: Path) -> Small:
    """With a newcomer, and with more of somebody who is known."""
    source = Path(shutil.copytree(small.source, tmp_path / "source"))
    for subject in ("000", "020"):
        (source / subject).mkdir(exist_ok=True)
        (source / subject / "10.png").write_bytes(png(seed=200 + int(subject)))
    run(append, source, small.folder)
    return Small(source, small.folder)


@pytest.fixture
def adopted(small: Small, tmp_path: Path) -> Small:
    folder = tmp_path / "tars"
    folder.mkdir()
    for tar in small.tars:
        shutil.copy(tar, folder / tar.name)
    run(index, *sorted(folder.iterdir()), folder)
    return Small(small.source, folder)


def test_every_generation_is_sound(appended: Small) -> None:
    assert len(open_dataset(appended.folder).manifest.generations) == 2
    assert appended.findings() == ()


def test_each_table_is_read_once_for_all_generations(appended: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Counter[str]()

    def counted(path: Path, *more: Any) -> pa.Table:  # noqa: ANN401 - handed on
        reads[path.name] += 1
        return read_table(path, *more)

    monkeypatch.setattr("shardkit.reader.dataset.read_table", counted)
    assert appended.findings() == ()

    tables = ("shards.parquet", "shards-00001.parquet", "subjects-00000.parquet", "subjects-00001.parquet")
    assert reads == dict.fromkeys(tables, 1)


def test_any_file_of_any_generation_is_mended(appended: Small) -> None:
    sound = appended.files
    for name, content in sound.items():
        if content:
            (appended.folder / name).write_bytes(flipped(content, len(content) // 2))
            assert [each.file for each in appended.findings()] == [name]
        else:
            (appended.folder / name).unlink()
        appended.repaired(appended.source)
        if name.startswith("skipped"):  # the tree has grown since, but what it cannot take is the same
            assert appended.findings() == ()
        assert appended.files == sound


def test_every_byte_of_an_adopted_tar_is_covered(adopted: Small) -> None:
    sound = adopted.files
    assert adopted.findings() == ()
    for name, offset, content in flips({name: sound[name] for name in sound if name.endswith(".tar")}, 40, seed=3):
        (adopted.folder / name).write_bytes(content)
        (finding,) = adopted.findings()
        (adopted.folder / name).write_bytes(sound[name])

        assert (finding.file, finding.kind in (FindingKind.PAYLOAD, FindingKind.HEADER, FindingKind.END)) == (
            name,
            True,
        )
        assert finding.offset is not None
        assert finding.offset <= offset


def test_an_adopted_tar_is_not_ours_to_mend(adopted: Small) -> None:
    adopted.tars[0].write_bytes(flipped(adopted.tars[0].read_bytes(), 2000))
    outcome = adopted.repaired(adopted.source)

    assert "Another tool" in outcome.left[0]
    assert [each.file for each in outcome.report.findings] == [adopted.tars[0].name]


def test_adopted_labels_need_be_neither_unique_nor_contiguous(tmp_path: Path) -> None:
    labels = {"a": b"3", "b": b"3", "c": b"7"}
    members = {
        f"{name}/0.{ext}": own for name, label in labels.items() for ext, own in (("png", png()), ("cls", label))
    }
    tar = write(tmp_path / "tars-000000.tar", members)
    run(index, tar, tmp_path)

    assert {each.label for each in open_dataset(tmp_path).subjects} == {3, 7}
    assert Small(tmp_path, tmp_path).findings() == ()
