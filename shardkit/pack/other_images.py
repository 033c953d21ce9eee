"""What to say of images that are no PNG: they are not packed, and who has them should not believe that they were."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

DECODED = (".bmp", ".jpeg", ".jpg", ".tif", ".tiff", ".webp")
"""What the stream decodes from tars of others, and `tools/make_pngs.py` makes PNGs of."""
_OTHERS = (".gif", ".jp2", ".pgm", ".ppm", ".wsq")


def left_out(root: Path, ignored: Mapping[str, int]) -> tuple[str, ...]:
    """A warning, where a tree has such images beside its PNGs."""
    images = {kind: count for kind, count in ignored.items() if kind in (*DECODED, *_OTHERS)}
    if not images:
        return ()
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(images.items()))
    return (f"{sum(images.values()):,} images are no PNG and are not packed ({kinds}). {_made(root, images)}",)


def instead(root: Path, ignored: Mapping[str, int]) -> str:
    """What to do with a tree that has no PNG at all; empty where there is nothing to be made of it."""
    images = [kind for kind in ignored if kind in (*DECODED, *_OTHERS)]
    if not images:
        return ""
    keep = " Or keep their bytes: put them into tars, which `shardkit index` adopts."
    return _made(root, images) + (keep if {*images} & {*DECODED} else "")


def _made(root: Path, kinds: Mapping[str, int] | list[str]) -> str:
    if not {*kinds} & {*DECODED}:
        return "Make PNGs of them first."
    target = root.with_name(f"{root.name or 'images'}-png")
    command = f"python tools/make_pngs.py {quote(str(root))} {quote(str(target))}"
    return f"Make a tree of PNGs first, and pack that: `{command}` in shardkit's source tree."
