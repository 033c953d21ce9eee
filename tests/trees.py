"""Little source trees, as a user has them before packing."""

import json
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

from tests.pictures import png

# That of every file, so that trees made alike are alike.
TIME_NS = 1_700_000_000_000_000_000


def grown(tmp_path: Path, subjects: int = 3, impressions: int = 2, *, sidecars: bool = False) -> Path:
    """`subject/impression.png`, each with other pixels, in the folder `source`."""
    files = dict[str, bytes]()
    for number in range(subjects * impressions):
        subject, impression = divmod(number, impressions)
        stem = f"{subject:04}/{impression:02}"
        files[f"{stem}.png"] = png(seed=number)
        if sidecars:
            files[f"{stem}.mnt"] = b"%d minutiae\n" % number
            files[f"{stem}.json"] = b'{"number":%d}\n' % number
    return planted(tmp_path / "source", files)


def planted(root: Path, files: Mapping[str, bytes] | Mapping[bytes, bytes]) -> Path:
    for name, content in files.items():
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, ns=(TIME_NS, TIME_NS))
    return root


def files(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its content; hidden ones too, since a leftover would be hidden."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def members(folder: Path) -> dict[str, bytes]:
    """What Python's own reader finds in the tars of a dataset."""
    found = dict[str, bytes]()
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None, f"{member.name} is no regular file"
                assert member.name not in found, f"{member.name} is there twice"
                found[member.name] = content.read()
    return found


def skips(folder: Path) -> dict[str, str]:
    """What was left out, and why."""
    lines = (folder / "skipped.jsonl").read_text(encoding="ascii").splitlines()
    return {each["source"]: each["reason"] for each in map(json.loads, lines)}


def left_over(folder: Path) -> list[str]:
    """What a whole dataset must not have: temporary files, and the folder of a pack that is at work."""
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.name.startswith(".")]
