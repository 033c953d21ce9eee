"""What was typed and cannot be meant: one sentence with what was probably meant, and exit code 2."""

import shutil
from pathlib import Path

import pytest

from tests.trainer.commands.said import said
from trainer.__main__ import COMMANDS, main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert [each for each in COMMANDS if each != "train" and each not in text] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    text = capsys.readouterr().out
    assert f"python -m trainer {command}" in text or command == "train"
    assert "--section." in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["evaluat"], "There is no command 'evaluat'. Did you mean evaluate?"),
        (["evaluate"], "python -m trainer evaluate: the following arguments are required: RUN."),
        (["evaluate", "RUN", "--jsn"], "there is no flag --jsn. Did you mean --json?"),
        (["evaluate", "RUN", "more"], "'more' is one word too many."),
        (["evaluate", "RUN", "--step", "soon"], "--step is 'soon', and it must be best, latest or a number of steps."),
        (["evaluate", "RUN", "--step", "7"], "step 7 has no checkpoint. Steps with one: 2, 4, 6, 8, 10, 12."),
        (["evaluate", "RUN", "--split", "vla"], "there is no split 'vla', but train, val."),
        (["evaluate", "RUN", "--model.width", "8"], "those of its own model. Leave out --model.width."),
        (["evaluate", "RUN", "--sytem.device", "cpu"], "Did you mean --system.device?"),
        (["evaluate", "RUN", "--config", "demo"], "has its own config.toml, so there is no --config."),
        (["evaluate", "RUN", "--data.path", "nowhere"], "nowhere: there is no such folder."),
        (["embed", "RUN"], "the following arguments are required: OUT."),
        (["embed", "RUN", "out.npz", "--dtype", "fp8"], "invalid choice: 'fp8'"),
        (["replay", "RUN"], "the following arguments are required: STEP."),
        (["replay", "RUN", "first"], "invalid int value: 'first'"),
        (["replay", "RUN", "0"], "this run has the steps 1 to 12, and not 0."),
        (["replay", "RUN", "13"], "this run has the steps 1 to 12, and not 13."),
        (["prove", "RUN", "--rank", "2"], "Did you mean --ranks?"),
        (["prove", "RUN", "--ranks", "0"], "--ranks must be 1 at least."),
        (["prove", "RUN", "--ranks", "3"], "3 ranks with data.micro_batch = 4 take 12 samples at once"),
        (["prove", "RUN", "--steps", "3"], "--steps must be 4 at least"),
        (["overfit"], "No dataset is named."),
        (["overfit", "run.toml"], "'run.toml' is one word too many."),
        (["doctor", "--mastr", "there:1"], "Did you mean --master?"),
        (["doctor", "--master", "there"], "--master is 'there', and it must be HOST:PORT."),
    ],
)
def test_mistakes_end_with_2_and_a_sentence(
    run: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *(run if each == "RUN" else each for each in words), code=2)
    assert says in text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", ["evaluate RUN", "embed RUN out.npz", "replay RUN 1", "prove RUN"])
def test_a_folder_of_something_else_is_told(data: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, *(data if each == "RUN" else each for each in command.split()), code=2)
    assert "this is no run folder, it has no config.toml" in text


def test_a_run_without_a_checkpoint_yet_is_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(run / "config.toml", tmp_path)
    assert "there is no whole checkpoint yet. Train first" in said(capsys, "evaluate", tmp_path, code=2)
    assert "Steps with one: none yet." in said(capsys, "evaluate", tmp_path, "--step", "1", code=2)


def test_a_damaged_checkpoint_is_passed_over_and_its_number_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = shutil.copytree(run, tmp_path / "run")
    newest = mine / "checkpoints" / "step-0000000012" / "model.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    text = said(capsys, "evaluate", mine, "--step", "latest")
    assert "Step 10 is used instead." in text
    assert "this is no whole checkpoint" in said(capsys, "evaluate", mine, "--step", "12", code=5)
