"""What a file that is no tar may be instead, told from how it begins."""

from shardkit.format.foreign_place import Place

_COMPRESSED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
}
_OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"version https://git-lfs": "a pointer of Git LFS, which stands for a file that was not fetched",
    b"<!DOCTYPE": "a web page, perhaps an error that was saved as a file",
    b"<html": "a web page, perhaps an error that was saved as a file",
    b"\x89PNG": "a PNG",
    b"\xff\xd8\xff": "a JPEG",
}


def refuse_disguise(start: bytes, place: Place) -> None:
    if not start:
        raise place.refused("the file has no bytes, so it is no tar.")
    for magic, (compression, command) in _COMPRESSED.items():
        if start.startswith(magic):
            raise place.refused(
                f"it is compressed with {compression}, so no sample can be found in it. Run `{command}` on it first."
            )
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise place.refused(f"it is {what}, not a tar.")
