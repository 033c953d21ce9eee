"""Which layout a tree has, found out from all of its images.

An image alone tells which known layout explains it: the first, as they go from special to general. The tree has that
layout when its images agree. So subject and impression can be noted while the tree is being walked, no order of
walking matters, and nothing is looked at twice; when images disagree, nothing is packed and the user is asked.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.pack.layout import EXAMPLE, Layout

# The second is what one batch folder of the first holds: its subjects have the same keys when it is packed alone.
KNOWN = tuple(
    Layout.parsed(template)
    for template in (EXAMPLE, "subject_{subject}/impression_{impression}.png", "{subject}/{impression}.png")
)
_EXAMPLES = 3
_PARTED = re.compile(rb"[^/]+([_~ -])[^_~ /-]+\.png", re.IGNORECASE)


class Census:
    """How many images each layout explains (None: no layout does), and the first of them by name."""

    def __init__(self) -> None:
        self.images = Counter[Layout | None]()
        self._first = defaultdict[Layout | None, list[bytes]](list)

    def add(self, layout: Layout | None, source: bytes) -> None:
        self.images[layout] += 1
        first = self._first[layout]
        if len(first) < _EXAMPLES or source < first[-1]:
            self._first[layout] = sorted((*first, source))[:_EXAMPLES]

    def merge(self, other: "Census") -> None:
        self.images.update(other.images)
        for layout, first in other._first.items():  # noqa: SLF001 - of its own kind
            self._first[layout] = sorted((*self._first[layout], *first))[:_EXAMPLES]

    def examples(self, layout: Layout | None) -> list[bytes]:
        return self._first[layout]


def explained_by(layouts: Iterable[Layout], source: bytes) -> tuple[Layout, str, str] | None:
    """The first layout that explains a path, with the subject and the impression it finds there."""
    for layout in layouts:
        if parts := layout.match(source):
            return layout, *parts
    return None


def asked_for(layout: Layout, census: Census, root: Path) -> Layout:
    """The layout that the user gave, if it explains anything."""
    if census.images[None] and not census.images[layout]:
        raise UsageError(
            f"{root}: --layout {layout.template!r} explains none of {census.images[None]:,} PNGs, for example "
            f"{_shown(census.examples(None))}. {_advice(census.examples(None)[0])}"
        )
    return layout


def detected(census: Census, root: Path) -> Layout | None:
    """The layout of a tree; None when it holds no image."""
    layouts = [layout for layout in KNOWN if census.images[layout]]
    if len(layouts) > 1:
        raise UsageError(f"{root}: several layouts in one tree: {_several(layouts, census)}. Say which with --layout.")
    if census.images[None] > sum(census.images[layout] for layout in layouts):
        raise UsageError(
            f"{root}: no known layout explains {census.images[None]:,} of {census.images.total():,} PNGs, for example "
            f"{_shown(census.examples(None))}. {_advice(census.examples(None)[0])}"
        )
    return layouts[0] if layouts else None


def _several(layouts: list[Layout], census: Census) -> str:
    return "; ".join(
        f"{census.images[layout]:,} PNGs as {layout.template!r}, such as {_shown(census.examples(layout)[:1])}"
        for layout in layouts
    )


def _advice(source: bytes) -> str:
    *folders, name = source.split(b"/")
    template = "{_}/" * (len(folders) - 1) + "{subject}/{impression}.png" if folders else _in_one_name(name)
    if not template:
        return (
            "Names alone do not say whose they are: give each subject a folder of its own, or say it in a list, "
            "--files LIST.json: {subject: [path, …]}."
        )
    return f"Say where subject and impression stand in a path: --layout '{template}', for example."


def _in_one_name(name: bytes) -> str:
    """`7_1.png` is impression 1 of 7, and `7-1.png` may be; empty if a name has no two parts."""
    parts = _PARTED.fullmatch(name)
    return f"{{subject}}{parts[1].decode()}{{impression}}.png" if parts else ""


def _shown(sources: Iterable[bytes]) -> str:
    # repr: a name may hold a newline or what a terminal obeys.
    return ", ".join(repr(source.decode("utf-8", "surrogateescape")) for source in sources)
