"""Where subject and impression stand in a path: a template such as `{subject}/{impression}.png`.

Paths are bytes, since a name need not be UTF-8. A field stands for a part of one path component; where a path can be
read in more than one way, the field further left is the longer one. The template filled with the fields gives the path
back, so two images have one key only where they differ in nothing but the other fields or the case of `.png`.
"""

import re
from dataclasses import dataclass, field

from shardkit.errors import UsageError
from shardkit.format.key import encoded

EXAMPLE = "batch_{batch}/subject_{subject}/impression_{impression}.png"
ENDING = ".png"

_FIELD = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REQUIRED = ("subject", "impression")
_ANYTHING = "_"


@dataclass(frozen=True)
class Layout:
    template: str
    _pattern: re.Pattern[bytes] = field(repr=False, compare=False)

    @classmethod
    def parsed(cls, template: str) -> "Layout":
        _refuse_odd_fields(template)
        _refuse_odd_path(template)
        return cls(template, re.compile(_regex(template)))

    def match(self, relative: bytes) -> tuple[str, str] | None:
        """The subject and the impression of an image, as they stand in its key."""
        matched = self._pattern.fullmatch(relative)
        return (encoded(matched["subject"]), encoded(matched["impression"])) if matched else None


def _refuse_odd_fields(template: str) -> None:
    names = _FIELD.findall(template)
    if set("{}") & set(_FIELD.sub("", template)):
        raise _odd(template, "has a brace that belongs to no field")
    if odd := [name for name in names if not _NAME.fullmatch(name)]:
        raise _odd(template, f"has the field {{{odd[0]}}}: between braces stands a plain name, or _ for anything")
    if missing := [name for name in _REQUIRED if name not in names]:
        raise _odd(template, f"has no {{{missing[0]}}}{_instead(names)}")
    if "}{" in template:
        raise _odd(template, "must have something between two fields, such as _, to tell where one ends")


def _instead(names: list[str]) -> str:
    """A misspelt field is one that is ignored: say which there are."""
    others = [f"{{{name}}}" for name in names if name not in _REQUIRED]
    return f", only {', '.join(others)}" if others else ""


def _refuse_odd_path(template: str) -> None:
    if not template.lower().endswith(ENDING):
        raise _odd(template, "must end in .png")
    if {"", ".", ".."} & set(template.split("/")):
        raise _odd(template, "must be a path below the folder that is packed, without leading or double /, . or ..")


def _odd(template: str, why: str) -> UsageError:
    return UsageError(f"--layout {template!r} {why}. For example --layout '{EXAMPLE}'.")


def _regex(template: str) -> bytes:
    literal, *rest = _FIELD.split(template[: -len(ENDING)])
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
