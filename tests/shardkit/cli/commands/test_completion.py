"""Completion by the real shells where they are installed, and by what their scripts ask elsewhere."""

import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class

import shardkit as package
from shardkit.cli.commands.completion import register_shells
from shardkit.cli.main import shardkit
from tests.shardkit.cli.terminal import on_terminal

BIN = Path(sys.executable).parent
PATHS = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


def answer(shell: str, words: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the script of a shell is answered; the last word is the one that is begun."""
    register_shells()
    maker = get_completion_class(shell)
    assert maker is not None
    *before, last = words.split(" ")
    monkeypatch.setenv("COMP_WORDS", " ".join(before) if shell == "fish" else words)
    monkeypatch.setenv("COMP_CWORD", last if shell == "fish" else str(len(before)))
    said = maker(shardkit, {}, "shardkit", "_SHARDKIT_COMPLETE").complete().splitlines()
    if shell == "zsh":
        return [f"{kind},{value}" for kind, value, _ in zip(*[iter(said)] * 3, strict=True)]
    return [line.partition("\t")[0] for line in said]


CASES = {
    "shardkit ver": ["plain,verify"],
    "shardkit pack --co": ["plain,--codec", "plain,--color"],
    "shardkit pack a b --codec ": ["plain,png", "plain,zstd", "plain,lz4", "plain,raw", "plain,auto"],
    "shardkit pack a b --codec z": ["plain,zstd"],
    "shardkit pack fi": ["dir,fi"],
    "shardkit pack a b --files fi": ["file,fi"],
    "shardkit index fi": ["file,fi"],
    "shardkit completion z": ["plain,zsh"],
    "shardkit ls packed --split v": ["plain,val"],
    "shardkit cat nowhere ": [],
    "shardkit ls nowhere --split ": [],
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(("words", "said"), CASES.items(), ids=CASES)
def test_shells_are_answered(
    shell: str, words: str, said: list[str], packed_once: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(packed_once.parent)
    assert answer(shell, words, monkeypatch) == said


@pytest.mark.parametrize(
    ("shell", "words", "said"),
    [
        ("bash", "shardkit pack a b --codec = z", ["plain,zstd"]),
        ("bash", "shardkit pack a b --fit =", ["plain,pad", "plain,crop", "plain,stretch"]),
        ("zsh", "shardkit pack a b --codec=z", ["plain,--codec=zstd"]),
        ("fish", "shardkit pack a b --codec=z", ["plain,--codec=zstd"]),
    ],
)
def test_a_value_behind_the_sign(shell: str, words: str, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(shell, words, monkeypatch) == said


def test_subjects_and_keys_come_from_the_dataset(packed_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(packed_once.parent)
    dataset = package.open("packed")
    subjects = sorted({each.subject for each in dataset.subjects})
    keys = sorted(key for split in dataset for key in dataset[split] if key.startswith(f"{subjects[0]}/"))

    assert answer("bash", "shardkit remove packed --subject ", monkeypatch) == [f"plain,{each}" for each in subjects]
    assert answer("bash", f"shardkit cat packed {subjects[0]}/", monkeypatch) == [f"plain,{each}" for each in keys]
    assert answer("bash", "shardkit cat packed ", monkeypatch) == [f"plain,{each}/" for each in subjects]


def test_a_script_is_written_for_each_shell() -> None:
    for shell in ("bash", "zsh", "fish"):
        with redirect_stdout(io.StringIO()) as script:
            shardkit.main(["completion", shell], standalone_mode=False)
        assert "_SHARDKIT_COMPLETE" in script.getvalue()


def test_bash_completes(packed_once: Path, tmp_path: Path) -> None:
    """An interactive one, as readline completes: Ctrl-G prints what the line has become, Ctrl-U clears it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = subprocess.run([BIN / "shardkit", "completion", "bash"], capture_output=True, check=True, text=True).stdout
    prompt = "PS1='ready> '; bind -x '\"\\C-g\": echo \"<$READLINE_LINE>\"'"
    (tmp_path / "rc").write_text(f"{script}\n{prompt}\ncd {tmp_path}\n")
    (tmp_path / "fingers").mkdir()
    typed = [
        "shardkit ver",
        "shardkit pack fing",
        "shardkit pack a b --codec=zs",
        f"shardkit ls {packed_once} --split v",
    ]

    keys = "".join(f"{line}\t\x07\x15" for line in typed) + "exit\r"
    said = on_terminal([bash, "--rcfile", tmp_path / "rc", "-i"], 200, PATHS, keys=keys, ready="ready> ")

    assert re.findall("<(shardkit [^>]*)>", said) == [
        "shardkit verify ",
        "shardkit pack fingers/",
        "shardkit pack a b --codec=zstd ",
        f"shardkit ls {packed_once} --split val ",
    ]
