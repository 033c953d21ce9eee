"""Tars of other tools: understood as their writers meant them, and refused where that is not sure."""

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc

import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from shardkit.errors import Damaged, ShardkitError, UsageError
from shardkit.format.foreign_tar import ForeignMember, ReadAt, iter_members
from tests.foreign_tars import BLOCK, END, block, filled, member, pax, tar


def found(content: bytes) -> list[ForeignMember]:
    return list(iter_members("web.tar", reading(content), len(content)))


def names(content: bytes) -> list[tuple[bytes, int]]:
    return [(each.name, each.size) for each in found(content)]


def reading(content: bytes) -> ReadAt:
    return lambda offset, size: content[offset : offset + size]


file_names = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="/\x00"), min_size=1, max_size=120).filter(
        lambda part: part not in (".", "..")
    ),
    min_size=1,
    max_size=3,
).map("/".join)


@given(
    files=st.lists(st.tuples(file_names, st.integers(0, 2_000)), max_size=5),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
@example(files=[("a" * 255 + "/" + "é" * 3_000, 513), ("b", 0)], form=tarfile.PAX_FORMAT)
@example(files=[("a" * 255 + "/" + "é" * 3_000, 513), ("b", 0)], form=tarfile.GNU_FORMAT)
def test_pythons_own_library_finds_the_same_files(files: list[tuple[str, int]], form: int) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=form) as archive:
        for name, size in files:
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, io.BytesIO(b"x" * size))
    content.seek(0)
    with tarfile.open(fileobj=content) as archive:
        expected = [(each.name.encode(), each.offset, each.offset_data, each.size) for each in archive]

    ours = [(each.name, each.start, each.offset, each.size) for each in found(content.getvalue())]

    assert ours == expected


UNDERSTOOD = {
    "ustar": (member(b"a.png", b"pixels"), [(b"a.png", 6)]),
    "ustar with a prefix": (block(b"a.png", prefix=b"long/folder"), [(b"long/folder/a.png", 0)]),
    "GNU, which keeps times there": (block(b"a.png", magic=b"ustar  ", prefix=b"147"), [(b"a.png", 0)]),
    "V7": (block(b"a.png", kind=b"\x00", magic=b"", prefix=b"rubbish"), [(b"a.png", 0)]),
    "a size in base 256": (block(b"a", digits=b"\x80" + bytes(9) + b"\x02\x01") + bytes(1024), [(b"a", 513)]),
    "a size after spaces": (block(b"a", digits=b"         1 \x00") + bytes(512), [(b"a", 1)]),
    "a checksum of signed bytes": (block(b"\xff\xfe.png", signed=True), [(b"\xff\xfe.png", 0)]),
    "a name of 100 bytes": (block(b"a" * 100), [(b"a" * 100, 0)]),
    "a GNU name": (member(b"././@LongLink", b"b" * 300 + b"\0", kind=b"L") + block(b"b" * 100), [(b"b" * 300, 0)]),
    "a PAX path": (pax(b"mtime=1.5", b"path=\xc3\xa9/a.png", b"SCHILY.dev=9") + block(b"e"), [(b"\xc3\xa9/a.png", 0)]),
    "a PAX size": (pax(b"size=513") + block(b"a") + bytes(1024) + block(b"b"), [(b"a", 513), (b"b", 0)]),
    "a PAX path taken back": (pax(b"path=") + block(b"a"), [(b"a", 0)]),
    "a PAX header for all": (pax(b"comment=0123", kind=b"g") + block(b"a"), [(b"a", 0)]),
    "folders": (block(b"./", kind=b"5") + block(b"./b/", kind=b"\x00") + block(b"./b/a"), [(b"./b/a", 0)]),
    "nothing": (b"", []),
    "one block of zeros at the end": (block(b"a"), [(b"a", 0)]),
}


@pytest.mark.parametrize("what", UNDERSTOOD)
def test_a_dialect_is_understood(what: str) -> None:
    content, expected = UNDERSTOOD[what]

    end = END[:BLOCK] if what.startswith("one block") else END + bytes(8_192)
    assert names(content + end) == expected


def test_what_follows_an_extension_starts_with_it() -> None:
    first, second = found(tar(member(b"a", b"1"), pax(b"path=b"), member(b"x", b"2")))

    assert (first.start, first.offset) == (0, 512)
    assert (second.start, second.offset) == (1_024, 1_024 + 1_024 + 512)


REFUSED = {
    "a hard link": (block(b"a.png", kind=b"1"), "a hard link"),
    "a symbolic link": (block(b"a.png", kind=b"2"), "a symbolic link"),
    "a long link": (member(b"a.png", b"t\0", kind=b"K"), "a link with a long name"),
    "a device": (block(b"a.png", kind=b"3"), "a device"),
    "a block device": (block(b"a.png", kind=b"4"), "a device"),
    "a FIFO": (block(b"a.png", kind=b"6"), "a FIFO"),
    "GNU's sparse file": (block(b"a.png", kind=b"S"), "a sparse file"),
    "PAX's sparse file": (pax(b"GNU.sparse.major=1") + block(b"a.png"), "is sparse"),
    "another volume": (block(b"a.png", kind=b"M"), "from another volume"),
    "an unknown kind": (block(b"a.png", kind=b"Z"), "the unknown kind b'Z'"),
    "a folder with content": (block(b"a/", 1, kind=b"5") + bytes(512), "a folder with 1 bytes"),
    "a file named as a folder": (block(b"a/", 1) + bytes(512), "a folder with 1 bytes"),
    "out of the folder": (block(b"b/../../a.png"), "leads out of the folder"),
    "an absolute path": (block(b"/etc/a.png"), "leads out of the folder"),
    "out by PAX": (pax(b"path=../a") + block(b"a.png"), "leads out of the folder"),
    "out by GNU": (member(b"L", b"/a\0", kind=b"L") + block(b"a.png"), "leads out of the folder"),
    "no name": (block(b""), "no name"),
    "a negative size": (block(b"a.png", digits=b"\xff" * 12), "negative"),
    "a size that is none": (block(b"a.png", digits=b"-0000000001\x00"), "is no number"),
    "a PAX size that is none": (pax(b"size=-1") + block(b"a.png"), "the size b'-1'"),
    "a PAX size of 5,000 digits": (pax(b"size=" + b"9" * 5_000) + block(b"a.png"), "the size b'9999"),
    "a PAX path for all": (pax(b"path=a", kind=b"g") + block(b"a.png"), "for all members"),
    "a PAX header too long": (block(b"a.png", 65_537, kind=b"x") + bytes(66_048), "at most 65,536"),
    "a GNU name too long": (block(b"a.png", 65_537, kind=b"L") + bytes(66_048), "at most 65,536"),
    "a PAX record without length": (member(b"x", b"path=a\n", kind=b"x"), "malformed"),
    "a PAX record too long": (member(b"x", b"99 path=a\n", kind=b"x"), "malformed"),
    "a PAX record of no length": (member(b"x", b"0 path=a\n", kind=b"x"), "malformed"),
    "a PAX record without =": (member(b"x", b"9 path a\n", kind=b"x"), "malformed"),
    "a PAX path with a zero": (pax(b"path=a\0b"), "malformed"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_hostile_member_is_refused_where_it_stands(what: str) -> None:
    content, why = REFUSED[what]
    good = member(b"good.png", b"pixels")

    with pytest.raises(UsageError) as refused:
        found(tar(good, content))

    assert str(refused.value).startswith("web.tar, byte 1,")
    assert "member '" in str(refused.value) or what == "no name"
    assert why in str(refused.value)


@pytest.mark.parametrize("size", [2**60, 10**20 - 1, 4_096])
def test_a_size_beyond_the_file_is_damage(size: int) -> None:
    with pytest.raises(
        Damaged, match=f"{size:,} bytes from byte 1,536 on belong to it, but the tar ends at byte 2,560"
    ):
        found(tar(pax(b"size=%d" % size), block(b"a.png")))


def test_a_second_tar_behind_the_end_is_not_lost_silently() -> None:
    one = tar(member(b"a.png"))

    with pytest.raises(UsageError, match=r"byte 512: the tar ends here, but more than zeros follow.*`cat`"):
        found(one + one)


def test_an_extension_without_member_is_damage() -> None:
    with pytest.raises(Damaged, match="no member follows"):
        found(tar(pax(b"path=a")))


SOME = tar(
    member(b"a.png", b"p" * 700), pax(b"path=b.png"), member(b"x", b"q"), member(b"L", b"c\0", kind=b"L"), block(b"c")
)


@pytest.mark.parametrize("length", range(1, len(SOME) - len(END) + 1, 127))
def test_a_tar_that_was_cut_off_says_so(length: int) -> None:
    with pytest.raises(Damaged, match=rf"ends at byte {length:,}"):
        found(SOME[:length])


def test_a_flipped_bit_of_a_header_changes_nothing_or_is_found() -> None:
    content = tar(member(b"a.png", b"pixels"))
    whole = found(content)

    for bit in range(8 * BLOCK):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert found(bytes(changed)) == whole, f"bit {bit}"
        except ShardkitError:
            continue


@pytest.mark.parametrize(
    ("compress", "command"),
    [
        (gzip.compress, "gunzip"),
        (bz2.compress, "bunzip2"),
        (lzma.compress, "unxz"),
        (zstandard.compress, "unzstd"),
    ],
)
def test_a_compressed_tar_is_told_as_such(compress: object, command: str) -> None:
    assert callable(compress)
    with pytest.raises(UsageError, match=f"Run `{command}` on it first"):
        found(compress(SOME))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no bytes"),
        (b"PK\x03\x04" + bytes(2_000), "a zip archive"),
        (b"<!DOCTYPE html>" + bytes(2_000), "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    ],
)
def test_what_is_no_tar_is_told_as_what_it_is(content: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        found(content)


@given(st.binary(min_size=1, max_size=3_000))
def test_noise_is_refused_and_nothing_worse(noise: bytes) -> None:
    with pytest.raises(ShardkitError):
        found(b"\x01" + noise)


@given(st.binary(max_size=600), st.sampled_from([b"x", b"g", b"L"]))
def test_noise_in_an_extension_is_understood_or_refused(noise: bytes, kind: bytes) -> None:
    content = tar(block(b"ext", len(noise), kind=kind), filled(noise), block(b"a"))
    try:
        found(content)
    except ShardkitError:
        return


def test_many_empty_members_take_no_memory() -> None:
    header, count = block(b"a"), 50_000

    def read(offset: int, size: int) -> bytes:
        return (header if offset < count * BLOCK else bytes(BLOCK))[:size]

    tracemalloc.start()
    seen = sum(1 for _ in iter_members("web.tar", read, (count + 2) * BLOCK))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert seen == count
    assert peak < 1_000_000
