"""Layout of a tree: the path template of subject and impression, its detection, and advice on duplicate keys.

Paths are bytes, since a name need not be UTF-8. A field stands for a part of one path component; if a path can be
parsed in several ways, the field further left is the longer one. The template filled with its fields gives the path
back, so two images share a key only if they differ in other fields or in the case of `.png`. Each image is explained by
the first known layout that matches, from special to general, while the tree is scanned: the order does not matter, and
no file is visited twice. If images disagree, nothing is packed and the user must choose.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.keys import encode_name

EXAMPLE_LAYOUT = "batch_{batch}/subject_{subject}/impression_{impression}.png"

IMAGE_SUFFIX = ".png"

_FIELD = re.compile(r"\{([^{}]*)\}")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_REQUIRED = ("subject", "impression")

_ANYTHING = "_"


@dataclass(frozen=True)
class Layout:
    template: str
    _pattern: re.Pattern[bytes] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, template: str) -> "Layout":
        _check_fields(template)
        _check_path(template)
        return cls(template, re.compile(_regex(template)))

    def match(self, relative: bytes) -> tuple[str, str] | None:
        """The subject and the impression of an image, as they stand in its key."""
        matched = self._pattern.fullmatch(relative)
        return (encode_name(matched["subject"]), encode_name(matched["impression"])) if matched else None


def _check_fields(template: str) -> None:
    names = _FIELD.findall(template)
    if set("{}") & set(_FIELD.sub("", template)):
        raise _odd(template, "has a brace that belongs to no field")
    if odd := [name for name in names if not _NAME.fullmatch(name)]:
        raise _odd(template, f"has the field {{{odd[0]}}}: between braces stands a plain name, or _ for anything")
    if missing := [name for name in _REQUIRED if name not in names]:
        raise _odd(template, f"has no {{{missing[0]}}}{_suggest_fields(names)}")
    if "}{" in template:
        raise _odd(template, "must have something between two fields, such as _, to tell where one ends")


def _suggest_fields(names: list[str]) -> str:
    """A misspelt field is one that is ignored: say which there are."""
    others = [f"{{{name}}}" for name in names if name not in _REQUIRED]
    return f", only {', '.join(others)}" if others else ""


def _check_path(template: str) -> None:
    if not template.lower().endswith(IMAGE_SUFFIX):
        raise _odd(template, "must end in .png")
    if {"", ".", ".."} & set(template.split("/")):
        raise _odd(template, "must be a path below the folder that is packed, without leading or double /, . or ..")


def _odd(template: str, why: str) -> UsageError:
    return UsageError(f"--layout {template!r} {why}. For example --layout '{EXAMPLE_LAYOUT}'.")


def _regex(template: str) -> bytes:
    literal, *rest = _FIELD.split(template[: -len(IMAGE_SUFFIX)])
    regex, named = _quoted(literal), set[str]()
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        regex += _part(name, again=name in named) + _quoted(text)
        named.add(name)
    return regex + rb"(?i:\.png)"


def _quoted(literal: str) -> bytes:
    return re.escape(literal.encode("utf-8", "surrogateescape"))


def _part(name: str, *, again: bool) -> bytes:
    if name == _ANYTHING:
        return b"[^/]+"
    return f"(?P={name})".encode() if again else f"(?P<{name}>[^/]+)".encode()


# The second is what one batch folder of the first holds: its subjects have the same keys when it is packed alone.
KNOWN_LAYOUTS = tuple(
    Layout.parse(template)
    for template in (EXAMPLE_LAYOUT, "subject_{subject}/impression_{impression}.png", "{subject}/{impression}.png")
)

_EXAMPLES = 3

_PARTED = re.compile(rb"[^/]+([_~ -])[^_~ /-]+\.png", re.IGNORECASE)


class LayoutCensus:
    """How many images each layout explains (None: no layout does), and the first of them by name."""

    def __init__(self) -> None:
        self.images = Counter[Layout | None]()
        self._first = defaultdict[Layout | None, list[bytes]](list)

    def add(self, layout: Layout | None, source: bytes) -> None:
        self.images[layout] += 1
        first = self._first[layout]
        if len(first) < _EXAMPLES or source < first[-1]:
            self._first[layout] = sorted((*first, source))[:_EXAMPLES]

    def merge(self, other: "LayoutCensus") -> None:
        self.images.update(other.images)
        for layout, first in other._first.items():  # noqa: SLF001 - of its own kind
            self._first[layout] = sorted((*self._first[layout], *first))[:_EXAMPLES]

    def examples(self, layout: Layout | None) -> list[bytes]:
        return self._first[layout]


def match_first(layouts: Iterable[Layout], source: bytes) -> tuple[Layout, str, str] | None:
    """The first layout that explains a path, with the subject and the impression it finds there."""
    for layout in layouts:
        if parts := layout.match(source):
            return layout, *parts
    return None


def require_layout(layout: Layout, census: LayoutCensus, root: Path) -> Layout:
    """The layout that the user gave, if it explains anything."""
    if census.images[None] and not census.images[layout]:
        raise UsageError(
            f"{root}: --layout {layout.template!r} explains none of {census.images[None]:,} PNGs, for example "
            f"{_format_examples(census.examples(None))}. {_advice(census.examples(None)[0])}"
        )
    return layout


def detect_layout(census: LayoutCensus, root: Path) -> Layout | None:
    """The layout of a tree; None when it holds no image."""
    layouts = [layout for layout in KNOWN_LAYOUTS if census.images[layout]]
    if len(layouts) > 1:
        raise UsageError(f"{root}: several layouts in one tree: {_several(layouts, census)}. Say which with --layout.")
    if census.images[None] > sum(census.images[layout] for layout in layouts):
        raise UsageError(
            f"{root}: no known layout explains {census.images[None]:,} of {census.images.total():,} PNGs, for example "
            f"{_format_examples(census.examples(None))}. {_advice(census.examples(None)[0])}"
        )
    return layouts[0] if layouts else None


def _several(layouts: list[Layout], census: LayoutCensus) -> str:
    return "; ".join(
        f"{census.images[layout]:,} PNGs as {layout.template!r}, such as "
        f"{_format_examples(census.examples(layout)[:1])}"
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


def _format_examples(sources: Iterable[bytes]) -> str:
    # repr: a name may hold a newline or what a terminal obeys.
    return ", ".join(repr(source.decode("utf-8", "surrogateescape")) for source in sources)


_SPLITS = {b"train", b"training", b"val", b"valid", b"validation", b"dev", b"eval", b"test", b"testing"}

_GENERAL = "Tell them apart with --layout, or remove one of them."


def suggest_layout(key: str, first: bytes, second: bytes, sources: Iterable[bytes]) -> str:
    """Two such paths, and all of the tree: a layout is only proposed where it gives every image a key of its own.

    Nor is it where the subject stands in no path: then a list says whose the images are.
    """
    parts, others = first.split(b"/"), second.split(b"/")
    differ = [place for place, (one, other) in enumerate(zip(parts, others, strict=False)) if one != other]
    listed = key.partition("/")[0].encode() not in first
    if listed or len(parts) != len(others) or len(differ) != 1 or differ[0] == len(parts) - 1:
        return _GENERAL
    place = differ[0]
    one, other = sorted((parts[place], others[place]))
    if {one.lower(), other.lower()} <= _SPLITS:
        return _by_themselves(b"/".join(parts[:place]), one, other)
    template = "/".join("{subject}" if each == place else "{_}" for each in range(len(parts) - 1)) + "/{impression}.png"
    if not _tells_apart(Layout.parse(template), sources):
        return _GENERAL
    return f"If {_shown_name(one)} and {_shown_name(other)} are subjects: --layout '{template}'."


def _by_themselves(above: bytes, one: bytes, other: bytes) -> str:
    below = f" below {_shown_name(above)}" if above else ""
    return (
        f"{_shown_name(one)} and {_shown_name(other)}{below} look like splits that hold the same subjects: pack each "
        f"by itself, the latter with --split {other.decode()}."
    )


def _tells_apart(layout: Layout, sources: Iterable[bytes]) -> bool:
    seen = set[tuple[str, str]]()
    for source in sources:
        key = layout.match(source)
        if key is None or key in seen:
            return False
        seen.add(key)
    return True


def _shown_name(name: bytes) -> str:
    return repr(name.decode("utf-8", "surrogateescape"))
