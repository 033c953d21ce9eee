"""Who is on a picture from somebody else's tar: subject and impression, found in its WebDataset key.

A template says where they stand in it; without one, folders tell, then the class, and if nothing does, every picture is
a subject of its own: that two pictures show the same one is never made up.
"""

import re
from dataclasses import dataclass, field

from shardkit.errors import BadInput, UsageError
from shardkit.format.key import encoded
from shardkit.pack.detection import KNOWN, explained_by
from shardkit.pack.layout import ENDING

ONLY = "0"
"""The impression of a subject that can have no other."""

_FIELD = re.compile(r"\{([^{}]*)\}")
_FIELDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXAMPLE = "--key '{subject}/{impression}' or --key '{subject}_{impression}'"


@dataclass(frozen=True)
class KeyTemplate:
    """Fields stand for parts of one path component; without {subject}, the class is the subject."""

    text: str
    _pattern: re.Pattern[bytes] = field(repr=False, compare=False)

    @classmethod
    def parsed(cls, text: str) -> "KeyTemplate":
        names = _FIELD.findall(text)
        fault = _fault(text, names)
        if fault:
            raise UsageError(f"--key {text!r} {fault}. For example {_EXAMPLE}.")
        literal, *rest = _FIELD.split(text)
        regex = _quoted(literal)
        for name, following in zip(rest[::2], rest[1::2], strict=True):
            regex += (b"[^/]+" if name == "_" else b"(?P<%b>[^/]+)" % name.encode()) + _quoted(following)
        return cls(text, re.compile(regex))

    def match(self, key: bytes) -> tuple[bytes | None, bytes]:
        found = self._pattern.fullmatch(key)
        if found is None:
            raise BadInput("key", f"--key {self.text!r} does not explain {_told(key)}.")
        return found.groupdict().get("subject"), found["impression"]


def identity(key: bytes, template: KeyTemplate | None, named: str | None) -> tuple[str, str]:
    """Subject and impression, as they stand in our key; `named` is the class of the sample, if it has one."""
    key = b"/".join(part for part in key.split(b"/") if part not in (b"", b"."))
    if template:
        subject, impression = template.match(key)
        return _parts(subject, impression, named)
    if known := explained_by(KNOWN, key + ENDING.encode()):
        return known[1:]
    folder, _, name = key.rpartition(b"/")
    return _parts(folder or None, name, named)


def _parts(subject: bytes | None, impression: bytes, named: str | None) -> tuple[str, str]:
    if subject is not None:
        return encoded(subject), encoded(impression)
    if named is not None:
        return encoded(named.encode("utf-8", "surrogatepass")), encoded(impression)
    return encoded(impression), ONLY


def _fault(text: str, names: list[str]) -> str | None:
    named = [name for name in names if name != "_"]
    odd = [name for name in names if not _FIELDS.fullmatch(name)]
    faults = {
        "has a brace that belongs to no field": set("{}") & set(_FIELD.sub("", text)),
        f"has the field {odd}: between braces stands a plain name, or _ for anything": odd,
        "has a field twice": len(named) > len(set(named)),
        "has no {impression}": "impression" not in names,
        "must have something between two fields, such as _, to tell where one ends": "}{" in text,
        "must be without an ending: a WebDataset key is a name up to its first dot": "." in text.rpartition("/")[2],
    }
    return next((fault for fault, found in faults.items() if found), None)


def _quoted(literal: str) -> bytes:
    return re.escape(literal.encode("utf-8", "surrogateescape"))


def _told(key: bytes) -> str:
    return repr(key.decode("utf-8", "surrogateescape"))
