"""make_pngs SRC OUT: the same tree with PNGs in it, for `shardkit pack`, from JPEGs, TIFFs, BMPs or WebPs.

Pixels are those that the stream would make of the same files: as they decode, upright where EXIF says so. What is a PNG
already and what lies beside an image (.mnt, .json) is copied, byte for byte. The same command goes on where it was
stopped; nothing in SRC is ever touched.
"""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.errors import run_command
from shardkit.cli.progress import show_progress
from shardkit.errors import BadInput, UsageError
from shardkit.image.foreign import FOREIGN_EXTENSIONS, decode_foreign
from shardkit.image.png.encode import to_png
from shardkit.image.png.structure import SIGNATURE
from shardkit.pack.source.file_types import is_junk, is_sidecar
from shardkit.storage.atomic import make_folder, publish_bytes
from synthetic.ahead import in_order
from synthetic.command import workers_option

IMAGES = tuple(f".{ending}" for ending in ("png", *FOREIGN_EXTENSIONS))
SHOWN, SOME_LEFT_OUT = 10, 3


@click.command()
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@workers_option
def make_pngs(*, src: Path, out: Path, workers: int) -> int:
    """Make PNGs of the images below SRC (JPEG, TIFF, BMP, WebP) in the same places below OUT.

    PNGs and sidecars (.mnt, .json) are copied. The same command goes on where it was stopped.

    Example: make_pngs faces faces-png
    """
    _refuse_unfit(src, out)
    with show_progress("files", 0) as looking:
        files, others = _found(src)
        looking.advance(len(files))
    if not any(_is_image(name) for name in files):
        raise UsageError(f"{src}: no {', '.join(IMAGES)} is there. Name a folder with images.")
    left = _made(src, out, files, workers)
    for kind, count in sorted(others.items()):
        say(f"not taken: {count:,} {kind}")
    for name, why in left[:SHOWN]:
        say(f"left out: {name!a}: {why}")
    say(f"{out}: {len(files) - len(left):,} files are there, {len(left):,} were left out. `shardkit pack {out} DST`")
    return SOME_LEFT_OUT if left else 0


def _refuse_unfit(src: Path, out: Path) -> None:
    if not src.is_dir():
        raise UsageError(f"{src}: there is no such folder. Name the folder that holds the images.")
    source, target = src.resolve(), out.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UsageError(f"{out} and {src} lie in one another, but a source is only read. Name a folder apart.")


def _found(src: Path) -> tuple[list[str], Counter[str]]:
    """Images and sidecars, in order; and how many files are neither."""
    files, others = list[str](), Counter[str]()
    for above, folders, names in os.walk(src):
        folders[:] = sorted(each for each in folders if not is_junk(os.fsencode(each)))
        # They are not walked into, since one could lead round in a circle.
        others.update("linked folder" for each in folders if Path(above, each).is_symlink())
        for name in sorted(names):
            if _is_image(name) or is_sidecar(os.fsencode(name)):
                files.append(os.path.relpath(os.path.join(above, name), src))  # noqa: PTH118 - a million of them
            elif not is_junk(os.fsencode(name)):
                others[Path(name).suffix or "without an ending"] += 1
    return files, others


def _made(src: Path, out: Path, files: list[str], workers: int) -> list[tuple[str, str]]:
    """What could not be made, and why."""
    left = list[tuple[str, str]]()
    make_folder(out)
    with show_progress("files", len(files)) as shown:
        for name, why in in_order(partial(_make, src, out), _targets(files), workers):
            shown.advance()
            if why:
                left.append((name, why))
    return left


def _targets(files: list[str]) -> Iterator[tuple[str, str, bool]]:
    """Each file with the name it gets; and whether another of these files gets that name, and came before."""
    taken = set[str]()
    for name in files:
        target = f"{name.rpartition('.')[0]}.png" if _is_image(name) else name
        yield name, target, target in taken
        taken.add(target)


def _make(src: Path, out: Path, task: tuple[str, str, bool]) -> tuple[str, str]:
    name, target, taken = task
    if taken:
        return name, f"another image there becomes {target!a} too. Rename one of them."
    path = out / target
    try:
        if not path.exists():
            content = _content((src / name).read_bytes(), image=_is_image(name))
            make_folder(path.parent)
            publish_bytes(path, content)
    except (BadInput, PermissionError) as bad:
        return name, str(bad)
    return name, ""


def _content(content: bytes, *, image: bool) -> bytes:
    """By what a file is: some that are named .png are JPEGs."""
    if not image or content.startswith(SIGNATURE):
        return content
    if not content:
        raise BadInput("empty", "the file has no bytes.")
    return to_png(decode_foreign(memoryview(content)))


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGES)


if __name__ == "__main__":
    sys.exit(run_command(make_pngs))
