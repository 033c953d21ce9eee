"""`shardkit doctor` as a user starts it: it reports, changes nothing, and leaves nothing."""

import errno
import json
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from shardkit.cli.commands.doctor import doctor, report_lines
from shardkit.errors import UsageError
from shardkit.host.doctor import OPERATIONS, Operation, try_operations
from shardkit.host.facts import Contents, Location
from shardkit.host.findings import Finding, Severity
from tests.faults.disk import run_on_disk
from tests.faults.operations import Nth, failing, watched

SHARDKIT = Path(sys.executable).with_name("shardkit")
NEW = Location("/data/new", "/data", Contents.EMPTY, writable=True)


def examine(*args: str | Path) -> None:
    doctor.main([str(arg) for arg in args], standalone_mode=False)


def test_the_report_goes_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examine(tmp_path)

    out, err = capsys.readouterr()
    assert out == ""
    assert " ".join(err.split()).startswith(f"{tmp_path} is an empty folder. ")
    assert list(tmp_path.iterdir()) == []


def test_json_is_the_facts_and_a_line_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examine(tmp_path, "--json")

    out, err = capsys.readouterr()
    first, *rest = map(json.loads, out.splitlines())
    assert err == ""
    assert first["host"]["place"] == {
        "asked": str(tmp_path),
        "checked": str(tmp_path),
        "contents": "an empty folder",
        "writable": True,
    }
    assert first["host"]["refusals"] == {"publish a file": None, "lock a folder": None}
    assert {"inodes", "open files", "cores", "writing"} < {line["finding"]["topic"] for line in rest}
    assert {tuple(line["finding"]) for line in rest} == {("topic", "severity", "fact", "why", "changes")}


@pytest.mark.parametrize("name", ["manifest.json", "subject/impression.png", ".shardkit/plan.parquet"])
def test_nothing_is_written_into_a_dataset_or_a_source_tree(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    before = tmp_path.stat().st_mtime_ns

    examine(tmp_path, "--json")

    assert tmp_path.stat().st_mtime_ns == before
    assert "so writing was not tried" in capsys.readouterr().out


def test_a_folder_to_come_is_judged_by_the_one_above(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examine(tmp_path / "new")

    said = "".join(capsys.readouterr().err.split())  # a long path is broken anywhere
    assert said.startswith(f"{tmp_path}/newdoesnotexistyet.{tmp_path},whereitwouldbemade,isanemptyfolder.")
    assert list(tmp_path.iterdir()) == []


def test_a_path_to_nowhere_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        examine(tmp_path / "far/new")


def test_a_user_meets_a_sentence_or_a_report_and_the_exit_code(tmp_path: Path) -> None:
    ended = [
        subprocess.run([SHARDKIT, "doctor", path], capture_output=True, text=True, check=False)
        for path in (tmp_path, tmp_path / "far/new")
    ]

    assert [each.returncode for each in ended] == [0, 2]
    assert ended[1].stderr.startswith(f"Error: {tmp_path}/far/new: neither this nor ")


def test_a_report_fits_its_width_but_for_what_is_copied() -> None:
    command = "mount -o remount," + "x" * 80
    finding = Finding("inodes", Severity.PROBLEM, "fact " * 40, "why " * 60, (command,))
    fine = Finding("cores", Severity.OK, "16")

    lines = ["".join(line) for line in report_lines(NEW, [finding, fine], 80)]

    assert f"{' ' * 24}→ {command}" in lines
    assert max(len(line) for line in lines if command not in line) <= 80
    assert lines[2].startswith("problem  inodes         fact fact")
    assert lines[-1] == "1 problem · 0 advice · 1 ok"


def test_a_lock_that_does_not_hold_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", lambda _descriptor, _how: None)

    said = try_operations(tmp_path, OPERATIONS)

    assert said == {"publish a file": None, "lock a folder": "a second lock was granted while the first was held"}


def spoiled(attempt: Operation, nth: Nth) -> Operation:
    def attempted(folder: Path) -> None:
        with watched(nth):
            attempt(folder)

    return attempted


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_whatever_fails_is_a_finding_and_nothing_stays(tmp_path: Path, code: int) -> None:
    for number in count(1):
        nth = Nth(number, failing(code))
        said = try_operations(tmp_path, {what: spoiled(attempt, nth) for what, attempt in OPERATIONS.items()})
        assert list(tmp_path.iterdir()) == []
        # At the end, a lock's file that cannot be removed is no failure: it stays without harm.
        tidying = {*nth.names[number - 1 :]} <= {"open", "unlink"}
        assert any(said.values()) is not nth.untouched or tidying
        if nth.untouched:
            return


def test_a_disk_without_inodes_to_spare_is_a_problem(tmp_path: Path) -> None:
    ended = run_on_disk(
        "nr_inodes=1", tmp_path, "from shardkit.cli.commands.doctor import doctor; doctor(['.', '--json'])"
    )

    assert ended.returncode == 0, ended.stderr
    findings = [json.loads(line)["finding"] for line in ended.stdout.splitlines()[1:]]
    problems = {each["topic"]: each["fact"] for each in findings if each["severity"] == "problem"}
    assert problems["inodes"] == "0 of 1 are free"
    assert problems["writing"].startswith("tried to make a folder: [Errno 28]")
