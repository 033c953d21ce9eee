from pathlib import Path

from tests.tools.tool import tool


def test_the_demo_shows_each_step_and_its_command(tmp_path: Path) -> None:
    shown = tool("demo", tmp_path, "--subjects", 4)
    assert shown.returncode == 0, shown.stderr
    steps = [line.split()[1:3] for line in shown.stderr.splitlines() if line.startswith("$ ")]
    assert [step[1] if step[0] == "shardkit" else step[1][6:-3] for step in steps] == [
        "make_fingerprints",
        "judge_fingerprints",
        "pack",
        "verify",
        "compare_loaders",
        "order",
        "verify",
        "repair",
        "verify",
    ]
    assert "minutiae are confirmed" in shown.stdout
    assert "The stream is " in shown.stderr
    assert "fingers: 50 files and inodes" in shown.stderr
    assert (tmp_path / "contact-sheet.png").exists()


def test_a_second_run_finds_everything_there(tmp_path: Path) -> None:
    assert tool("demo", tmp_path, "--subjects", 4).returncode == 0

    again = tool("demo", tmp_path, "--subjects", 4)

    assert again.returncode == 0, again.stderr
    assert "packed already" in again.stderr


def test_the_demo_stops_where_a_step_does(tmp_path: Path) -> None:
    (tmp_path / "fingers").write_text("in the way")
    shown = tool("demo", tmp_path)
    assert shown.returncode == 2
    assert "the step above failed" in shown.stderr
    assert "Traceback" not in shown.stderr
