"""What to do about images that would have one key: which layout tells them apart, as far as their paths show it."""

from collections.abc import Iterable

from shardkit.pack.layout import Layout

_SPLITS = {b"train", b"training", b"val", b"valid", b"validation", b"dev", b"eval", b"test", b"testing"}
_GENERAL = "Tell them apart with --layout, or remove one of them."


def advice(key: str, first: bytes, second: bytes, sources: Iterable[bytes]) -> str:
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
    if not _tells_apart(Layout.parsed(template), sources):
        return _GENERAL
    return f"If {_shown(one)} and {_shown(other)} are subjects: --layout '{template}'."


def _by_themselves(above: bytes, one: bytes, other: bytes) -> str:
    below = f" below {_shown(above)}" if above else ""
    return (
        f"{_shown(one)} and {_shown(other)}{below} look like splits that hold the same subjects: pack each by itself, "
        f"the latter with --split {other.decode()}."
    )


def _tells_apart(layout: Layout, sources: Iterable[bytes]) -> bool:
    seen = set[tuple[str, str]]()
    for source in sources:
        key = layout.match(source)
        if key is None or key in seen:
            return False
        seen.add(key)
    return True


def _shown(name: bytes) -> str:
    return repr(name.decode("utf-8", "surrogateescape"))
