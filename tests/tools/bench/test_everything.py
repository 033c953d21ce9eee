"""`make bench`: what it runs, what a failure costs, and how it compares with what is kept."""

import json
from pathlib import Path

import pytest

import everything
import page
from pages.drift import drift
from plan import SCRIPTS, Script, Unknown, chosen, duration
from tests.tools.bench.reports import readers, writers

BENCH = Path(everything.__file__).parent


def test_every_script_of_the_plan_is_there_and_every_benchmark_is_planned() -> None:
    publishing = {file.stem for file in BENCH.glob("*.py") if "publish_report(" in file.read_text()} - {"report"}

    assert {script.name for script in SCRIPTS} == publishing


def test_readmes_figures_come_first() -> None:
    assert [script.name for script in chosen(())[:4]] == ["readers", "writers", "checkers", "overhead"]


def test_some_can_be_chosen_and_an_unknown_one_is_answered_with_those_there_are() -> None:
    assert [script.name for script in chosen(["writers", "readers"])] == ["readers", "writers"]
    with pytest.raises(Unknown, match=r"No such benchmark: redders\. There are: readers writers"):
        chosen(["redders"])


def test_one_that_fails_loses_nothing_of_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[str] = []

    def run(name: str) -> int:
        ran.append(name)
        return 3 if name == "b" else 0

    assert everything.run_all([Script(name, 1) for name in "abc"], run) == ["b"]
    assert ran == ["a", "b", "c"]
    assert "b ended with 3" in capsys.readouterr().out


def test_hours_are_told_as_hours() -> None:
    assert duration([Script("a", 0.2)]) == "1 min"
    assert duration([Script("a", 60), Script("b", 60)]) == "2.0 h"


def test_what_is_measured_now_stands_beside_what_is_kept() -> None:
    lines = [*drift({"readers": readers(), "writers": writers()}, {"readers": readers(png=2_000)})]

    png = next(line.split() for line in lines if "shardkit png" in line and "decoded" in line)
    assert png[-4:] == ["3.50", "4.00", "+14", "%"]
    assert any("furthest +14 %: png, samples a second" in line for line in lines)
    assert any("tar -c" in line and line.endswith("not reproduced") for line in lines)
    assert lines[-1] == "Kept, and not measured now: writers"


def test_figures_are_kept_by_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESULTS", "MEASURED", "PICTURES"):
        monkeypatch.setattr(page, name, tmp_path / name.lower())
        (tmp_path / name.lower()).mkdir()
    monkeypatch.setattr(page, "README", tmp_path / "README.md")
    page.README.write_text("<!-- measured -->\n<!-- /measured -->\n")
    for name in ("readers", "writers"):
        report = {"readers": readers, "writers": writers}[name]()
        (page.RESULTS / f"{name}.json").write_text(json.dumps({"figures": report.figures, "machine": report.machine}))

    made = page.keep(["readers"])

    assert [file.name for file in page.MEASURED.iterdir()] == ["readers.json"]
    assert {file.name for file in made} == {"samples-per-second.svg", "README.md"}
    assert "| PNGs decoded" in page.README.read_text()
    with pytest.raises(SystemExit, match=r"make bench ONLY=checkers"):
        page.keep(["checkers"])
