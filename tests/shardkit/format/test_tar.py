"""Our headers are those that every reader of tars expects."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.format.tar import BLOCK, END_BLOCKS, LARGEST_MEMBER, header, padded_size, padding, split_name

TAR = shutil.which("tar")

letters = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
parts = st.text(letters, min_size=1, max_size=30).filter(lambda part: part not in {".", ".."})
names = st.lists(parts, min_size=1, max_size=3).map("/".join)


@given(names, st.integers(0, LARGEST_MEMBER))
def test_python_reads_the_header_as_it_was_meant(name: str, size: int) -> None:
    try:
        written = header(name, size)
    except UsageError:
        assert len(name.encode()) > 100
        return
    read = tarfile.TarInfo.frombuf(written, "utf-8", "strict")
    assert len(written) == BLOCK
    assert (read.name, read.size, read.mode, read.mtime) == (name, size, 0o444, 0)
    assert (read.uid, read.gid, read.uname, read.gname, read.type) == (0, 0, "", "", tarfile.REGTYPE)


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_long_name_is_split_at_its_slash_or_refused(subject: int, impression: int) -> None:
    name = "s" * subject + "/" + "i" * impression
    fits = len(name) <= 100 or (subject <= 155 and impression <= 100)
    try:
        prefix, base = split_name(name)
    except UsageError:
        assert not fits
        return
    assert fits
    assert b"/".join(filter(None, (prefix, base))) == name.encode()


@given(st.integers(0, 10_000))
def test_a_payload_ends_with_its_block(size: int) -> None:
    assert (padded_size(size) - size, padded_size(size) % BLOCK) == (len(padding(size)), 0)
    assert len(padding(size)) < BLOCK


@pytest.mark.parametrize("name", ["a" * 101, "/" + "a" * 100, "a" * 156 + "/b", "a" * 100 + "/"])
def test_a_name_that_no_tar_takes_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="155 bytes for the subject, 100 for the impression"):
        split_name(name)


def test_gnu_tar_lists_and_extracts(tmp_path: Path) -> None:
    contents = {
        f"{'s' * length}/{'ü' * (length // 4)}{length}.png": bytes([length]) * length * 7 for length in range(1, 150)
    }
    whole = (
        b"".join(header(name, len(each)) + each + padding(len(each)) for name, each in contents.items()) + END_BLOCKS
    )
    (tmp_path / "our.tar").write_bytes(whole)
    assert TAR is not None, "every Linux has tar"
    listed = subprocess.run(
        [TAR, "-tf", tmp_path / "our.tar", "--quoting-style=literal"], capture_output=True, check=True
    )
    assert listed.stderr == b""
    assert listed.stdout.decode().splitlines() == list(contents)
    subprocess.run([TAR, "-xf", tmp_path / "our.tar", "-C", tmp_path], check=True)
    assert all((tmp_path / name).read_bytes() == each for name, each in contents.items())
