"""A removal killed while it put its files into place is underway: no finding, and one command ends it."""

import shutil
from itertools import count
from pathlib import Path

import pytest

from shardkit.cli.commands.remove import remove
from shardkit.reader.dataset import open_dataset
from shardkit.verify.findings import FindingKind
from shardkit.verify.verifier import Level
from tests.faults.operations import Nth, watched
from tests.shardkit.verify.small import Small, files, flipped


class Killed(BaseException):
    pass


def killed() -> None:
    raise Killed


def committed(folder: Path) -> bool:
    return (folder / ".shardkit/removal/manifest.json").exists()


def stopped_at_each(small: Small) -> list[dict[str, bytes]]:
    """The folder as it is left by a removal that is killed at every third operation after its commit."""
    sound, states = small.files, []
    for number in count(1, 3):
        small.put(sound)
        nth = Nth(number, killed)
        try:
            with watched(nth, folders=False):
                remove.main([str(small.folder), "--subject", "003", "--yes"], standalone_mode=False)
        except Killed:
            if committed(small.folder):
                states.append(files(small.folder))
        if nth.untouched:
            return states
    raise AssertionError


@pytest.fixture(scope="module")
def states(origin: Small, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    folder = tmp_path_factory.mktemp("removing") / "packed"
    return stopped_at_each(Small(origin.source, Path(shutil.copytree(origin.folder, folder))))


def test_its_files_are_no_findings_at_any_moment(small: Small, states: list[dict[str, bytes]]) -> None:
    assert len(states) > 5
    for state in states:
        small.put(state)
        for level in (Level.QUICK, Level.BYTES):
            report = small.verified(level)
            assert report.findings == ()
            assert any("the same `shardkit remove` ends it" in note for note in report.notes)


def test_what_it_does_not_change_is_still_checked(small: Small, states: list[dict[str, bytes]]) -> None:
    removed = {each.name for each in open_dataset(small.folder).shards}
    small.put(states[0])
    held = {
        each.name
        for each in open_dataset(small.folder).shards
        if "003" in {sample.subject for sample in open_dataset(small.folder).samples(each)}
    }
    (other, *_) = sorted(removed - held)
    path = small.folder / other
    path.write_bytes(flipped(path.read_bytes(), 600))
    (small.folder / "rubbish").touch()

    assert {(each.file, each.kind) for each in small.findings()} == {
        (other, FindingKind.PAYLOAD),
        ("rubbish", FindingKind.EXTRA),
    }
