from pathlib import Path

from tests.tools.tool import tool


def test_the_demo_shows_each_step_and_its_command(tmp_path: Path) -> None:
    shown = tool("demo", tmp_path, "--subjects", 2)
    assert shown.returncode == 0, shown.stderr
    steps = [line for line in shown.stderr.splitlines() if line.startswith("$ python tools/")]
    assert [step.split()[2] for step in steps] == ["tools/make_fingerprints.py", "tools/judge_fingerprints.py"]
    assert "minutiae are confirmed" in shown.stdout
    assert "26 files and inodes" in shown.stderr
    assert (tmp_path / "contact-sheet.png").exists()


def test_the_demo_stops_where_a_step_does(tmp_path: Path) -> None:
    (tmp_path / "fingers").write_text("in the way")
    shown = tool("demo", tmp_path)
    assert shown.returncode == 2
    assert "the step above failed" in shown.stderr
    assert "Traceback" not in shown.stderr
