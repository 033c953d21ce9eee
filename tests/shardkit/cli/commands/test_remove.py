"""`shardkit remove` on the command line: what it prints, when it asks, and what it does without being asked to."""

from pathlib import Path

import pytest

from shardkit.cli.commands import remove as command
from tests.commands import COMMAND, ROOT, ran
from tests.shardkit.cli.terminal import on_terminal
from tests.shardkit.pack.growing import everybody, grown, run_pack
from tests.trees import files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four subjects; s01 and s02 are of one person, and s03 has the bytes of s01."""
    source = grown(tmp_path / "source", range(4), 1)
    (source / "s03" / "0.png").write_bytes((source / "s01" / "0.png").read_bytes())
    (tmp_path / "groups.csv").write_text("s01,anna\ns02,anna\n")
    run_pack(source, tmp_path / "packed", "--groups", str(tmp_path / "groups.csv"))
    return tmp_path / "packed"


def test_a_dry_run_prints_what_goes_and_writes_nothing(folder: Path) -> None:
    size = (folder.parent / "source/s01/0.png").stat().st_size
    before = files(folder), folder.stat().st_mtime_ns

    ended = ran("remove", folder, "--subject", "s01", "--dry-run")

    assert (files(folder), folder.stat().st_mtime_ns) == before
    assert (ended.code, ended.stdout) == (0, "")
    outline, rewritten, *warnings, last = ended.stderr.splitlines()
    assert outline == f"Would remove 1 sample ({size} bytes) of 1 subject: s01."
    assert rewritten.startswith("Rewritten: 1 shard of ")
    assert warnings == [
        "Warning: 1 subject of group anna stays: s02. To remove the whole group, use --group anna.",
        "Warning: s03/0.png stays and has the same bytes as s01/0.png.",
    ]
    assert last == "Nothing was written. To remove, run the same command without --dry-run."


def test_json_says_the_same_before_and_after(folder: Path) -> None:
    words = ("remove", folder, "--subject", "s01", "--group", "s00", "--json")

    before, after = ran(*words, "--dry-run"), ran(*words, "--yes")

    assert (before.code, after.code) == (0, 0)
    said = after.json
    assert (before.json.pop("dry_run"), said.pop("dry_run")) == (True, False)
    assert said.pop("proof").startswith("Checked: 2 rows, ")
    assert said.pop("generation") == 1
    assert len(said.pop("digest")) == 64
    assert said == {name: value for name, value in before.json.items() if name != "dry_run"}
    assert said["subjects"] == ["s00", "s01"]
    assert said["groups"] == ["s00"]
    assert said["staying"] == {"anna": ["s02"]}
    assert said["samples"] == 2
    assert (said["duplicates"], said["duplicate_count"]) == ([{"removed": "s01/0.png", "stays": "s03/0.png"}], 1)
    assert set(said["rewritten"]) <= {each.name for each in folder.glob("*.tar")}


def test_without_a_terminal_it_asks_for_yes(folder: Path) -> None:
    before = files(folder)

    ended = ran("remove", folder, "--subject", "s01")

    assert ended.code == 2
    assert "asks before it removes, and no terminal is here to answer. Add --yes" in ended.error
    assert files(folder) == before


@pytest.mark.parametrize(("answer", "removed"), [("y\n", {"s01"}), ("n\n", set()), ("\n", set()), ("\x04", set())])
def test_on_a_terminal_it_asks(folder: Path, answer: str, removed: set[str]) -> None:
    words = [*COMMAND, "remove", folder, "--subject", "s01"]

    said = on_terminal(words, 200, {"PYTHONPATH": str(ROOT)}, keys=answer, ready="Remove? [y/N]: ")

    assert "This removes 1 sample" in said
    assert said.count("To remove the whole group, use --group anna.") == 1
    assert said.index("stays and has the same bytes") < said.index("Remove?")
    assert ("Checked: 3 rows" in said) == bool(removed)
    assert ("Nothing was removed, because the answer was not yes." in said) == (not removed)
    assert "Traceback" not in said
    assert {"s00", "s01", "s02", "s03"} - everybody(folder).keys() == removed
    assert not (folder / ".shardkit").exists()


def test_long_lists_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_SHOWN_DUPLICATES", 2)
    source = grown(tmp_path / "source", range(14), 1)
    for image in source.rglob("*.png"):
        image.with_suffix(".json").write_bytes(b"{}")
    (tmp_path / "groups.csv").write_text("".join(f"s{each:02},anna\n" for each in range(12)))
    run_pack(source, tmp_path / "packed", "--groups", str(tmp_path / "groups.csv"))

    ended = ran("remove", tmp_path / "packed", "--subject", "s00", "--dry-run")

    *_, staying, first, second, more, _ = ended.stderr.splitlines()
    assert "11 subjects of group anna stay: s01, s02" in staying
    assert "s10 and 1 more. To" in staying
    assert "same bytes as s00/0.json" in first
    assert "same bytes as s00/0.json" in second
    assert more == "Warning: 11 more files that stay have the same bytes as a removed one."


def test_nothing_named(folder: Path) -> None:
    ended = ran("remove", folder, "--yes")

    assert (ended.code, "--subject S or --group G is missing" in ended.error) == (2, True)
