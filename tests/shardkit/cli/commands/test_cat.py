"""`shardkit cat`: the bytes of one member, and no others."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from shardkit.cli.commands.cat import is_text

SHARDKIT = Path(sys.executable).with_name("shardkit")


def cat(folder: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([SHARDKIT, "cat", folder, *args], capture_output=True, check=False)


def test_the_image_or_a_sidecar(packed_once: Path) -> None:
    source = packed_once.parent / "source/S.1"

    assert cat(packed_once, "S%2E1/a%2Eb%2Ec").stdout == (source / "a.b.c.png").read_bytes()
    assert cat(packed_once, "S%2E1/a%2Eb%2Ec", "--ext", "mnt").stdout == (source / "a.b.c.mnt").read_bytes()
    assert cat(packed_once, "S%2E1/a%2Eb%2Ec", "--ext", ".png").stdout == (source / "a.b.c.png").read_bytes()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("S%2E1/05",), "no split has a sample 'S%2E1/05'. Did you mean 'S%2E1/04'"),
        (("S.1/04",), "Did you mean 'S%2E1/04'? Dots and odd characters are written %XX"),
        (("S%2E1/04", "--ext", "jsn"), "S%2E1/04 has no .jsn, but .png, .mnt."),
        (("S%2E1/04", "--split", "tain"), "Did you mean 'train'?"),
    ],
    ids=str,
)
def test_what_is_not_there_is_a_sentence(packed_once: Path, args: tuple[str, ...], said: str) -> None:
    ended = cat(packed_once, *args)

    assert (ended.returncode, ended.stdout) == (2, b"")
    assert said in ended.stderr.decode()


def on_a_terminal(folder: Path, *args: str) -> tuple[int, bytes, bytes]:
    ours, theirs = pty.openpty()
    ended = subprocess.run([SHARDKIT, "cat", folder, *args], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.write(theirs, b"|")
    shown = os.read(ours, 1000)
    os.close(ours)
    os.close(theirs)
    return ended.returncode, shown, ended.stderr


def test_a_terminal_gets_text_alone(packed_once: Path) -> None:
    code, shown, said = on_a_terminal(packed_once, "S%2E1/04")
    assert (code, shown) == (2, b"|")
    assert b"Write it into a file with `> file`." in said

    code, shown, said = on_a_terminal(packed_once, "S%2E1/04", "--ext", "mnt")
    assert (code, said) == (0, b"")
    assert shown.startswith(b"minutiae of ")


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"caf\xc3\xa9\t1\r\n", True), (b"", True), (b"caf\xe9", False), (b"a\0b", False), (b"\x1b]0;title\x07", False)],
)
def test_what_is_text(content: bytes, *, text: bool) -> None:
    assert is_text(content) is text
