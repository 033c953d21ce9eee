"""Sources are found again where no layout tells them: a list named the images, or left some out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shardkit.errors import NoSpace, StorageFailing
from shardkit.reader.dataset import open_dataset
from shardkit.verify.repair.index import SourceFinder
from tests.pictures import png
from tests.shardkit.verify.small import Small, flipped, packed


def odd_tree(root: Path) -> Path:
    """A tree that no known layout explains as a whole."""
    for number in range(6):
        path = root / f"{number % 2}/deep/{number}/scan-{number}.png"
        path.parent.mkdir(parents=True)
        path.write_bytes(png(shape=(20, 24 + number), seed=number))
    (root / "not listed.png").write_bytes(png(seed=90))
    return root


@pytest.fixture
def listed(tmp_path: Path) -> Small:
    """A dataset whose list says who is on each image."""
    source = odd_tree(tmp_path / "source")
    subjects: dict[str, list[str]] = {}
    for number in range(6):
        subjects.setdefault(f"p{number % 2}", []).append(f"{number % 2}/deep/{number}/scan-{number}.png")
    (tmp_path / "list.json").write_text(json.dumps(subjects))
    return Small(source, packed(source, tmp_path / "packed", "--files", str(tmp_path / "list.json")))


@pytest.mark.parametrize("options", [(), ("--size", "16"), ("--codec", "zstd")], ids=["as found", "resized", "pixels"])
def test_an_index_is_rebuilt_from_images_that_a_list_named(tmp_path: Path, options: tuple[str, ...]) -> None:
    source = odd_tree(tmp_path / "source")
    names = [f"{number % 2}/deep/{number}/scan-{number}.png" for number in range(6)]
    (tmp_path / "list.json").write_text(json.dumps({"p0": names[:3], "p1": names[3:]}))
    small = Small(source, packed(source, tmp_path / "packed", "--files", str(tmp_path / "list.json"), *options))
    sound = small.files
    (small.folder / "index/train-00000.parquet").unlink()

    assert small.repaired(source).report.findings == ()
    assert small.files == sound


def test_equal_images_go_to_the_samples_with_their_names(listed: Small) -> None:
    dataset = open_dataset(listed.folder)
    samples = dataset.samples(dataset.shards[0])
    for each in samples:
        copy = listed.source / "copies" / each.subject / "other.png"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(listed.source / each.source.decode(), copy)

    assert SourceFinder(listed.source, dataset.manifest).found_by_bytes(samples) == samples


def test_a_step_that_cannot_go_on_keeps_no_other_from_its_work(listed: Small, tmp_path: Path) -> None:
    sound = listed.files
    (listed.folder / "index/train-00000.parquet").unlink()
    (listed.folder / "B3SUMS").write_bytes(flipped(sound["B3SUMS"], 5))
    other = tmp_path / "other"
    other.mkdir()

    outcome = listed.repaired(other)
    assert "B3SUMS" in outcome.mended
    assert any("Images that were packed are missing in" in why for why in outcome.left)
    assert not any("--layout" in why for why in outcome.left)


@pytest.mark.parametrize("error", [NoSpace, StorageFailing])
def test_a_disk_that_fails_ends_a_repair(small: Small, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error("the disk")

    monkeypatch.setattr("shardkit.verify.repair.files.format_checksums", fail)
    (small.folder / "B3SUMS").unlink()
    with pytest.raises(error):
        small.repaired()


@pytest.mark.parametrize(
    "lose", [Path.unlink, lambda path: path.write_bytes(flipped(path.read_bytes(), 9))], ids=["removed", "damaged"]
)
def test_a_list_of_exclusions_is_found_out_again(small: Small, tmp_path: Path, lose: Callable[[Path], object]) -> None:
    (tmp_path / "exclude.txt").write_text("002/1\n004/0\n")
    excluding = Small(
        small.source, packed(small.source, tmp_path / "excluding", "--exclude", str(tmp_path / "exclude.txt"))
    )
    sound = excluding.files
    assert sound["skipped.jsonl"].count(b'"excluded"') == 2
    lose(excluding.folder / "skipped.jsonl")

    assert excluding.repaired(small.source).report.findings == ()
    assert excluding.files == sound
