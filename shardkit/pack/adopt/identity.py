"""Identity of an adopted sample: its class, and subject and impression in its WebDataset key.

The class is the number in `.cls` or a field of `.json`. A template finds subject and impression in the key. Without
one, folders determine them, then the class. Otherwise each image is a separate subject: a mated pair is never invented.
"""

import json
import re
from dataclasses import dataclass, field

from shardkit.errors import BadInput, UsageError
from shardkit.format.foreign_tar import ForeignMember, ReadAt
from shardkit.format.keys import encode_name
from shardkit.pack.source.layout import IMAGE_SUFFIX, KNOWN_LAYOUTS, match_first

LARGEST_LABEL = 2**31 - 1

_LARGEST_JSON = 4 << 20

_LARGEST_CLS = 64

_NUMBER = re.compile(r"\s*(\d{1,10})\s*", re.ASCII)


def label_of(members: dict[bytes, ForeignMember], field: str, read: ReadAt) -> int | str | None:
    """A number is a label, to be kept; a text names a class that has none yet."""
    if b"cls" in members:
        return _cls(_content(members[b"cls"], _LARGEST_CLS, read, "cls"))
    if b"json" in members:
        return _field(_content(members[b"json"], _LARGEST_JSON, read, "json"), field)
    return None


def _cls(content: bytes) -> int:
    number = _NUMBER.fullmatch(content.decode("latin-1"))
    if number is None:
        raise BadInput("bad-label", f"its .cls holds {content[:20]!a}, not a number of digits alone.")
    return _label(int(number[1]))


def _field(content: bytes, field: str) -> int | str | None:
    try:
        record = json.loads(content)
    except (ValueError, RecursionError):
        raise BadInput("bad-label", "its .json is no JSON.") from None
    value = record.get(field) if isinstance(record, dict) else None
    if isinstance(value, str) and value:
        number = _NUMBER.fullmatch(value)
        return _label(int(number[1])) if number else value
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadInput("bad-label", f"the field {field!a} of its .json is neither a number nor a text.")
    return value if value is None else _label(value)


def _label(number: int) -> int:
    if not 0 <= number <= LARGEST_LABEL:
        raise BadInput("bad-label", f"its label is {number}; labels are from 0 to {LARGEST_LABEL:,}.")
    return number


def _content(entry: ForeignMember, largest: int, read: ReadAt, ending: str) -> bytes:
    if entry.size > largest:
        raise BadInput("bad-label", f"its .{ending} has {entry.size:,} bytes; at most {largest:,} are read.")
    return read(entry.offset, entry.size)


DEFAULT_IMPRESSION = "0"
"""The impression of a subject that can have no other."""

_LONGEST = 4_095
"""Bytes of a key: no file system takes a longer path, so no file could be restored under it."""

_FIELD = re.compile(r"\{([^{}]*)\}")

_FIELDS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_EXAMPLE = "--key '{subject}/{impression}' or --key '{subject}_{impression}'"


@dataclass(frozen=True)
class KeyTemplate:
    """Fields stand for parts of one path component; without {subject}, the class is the subject.

    A key that can be read in more than one way is read so that the field further left is the longer one.
    """

    text: str
    _components: tuple["_Component", ...] = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "KeyTemplate":
        names = _FIELD.findall(text)
        fault = _fault(text, names)
        if fault:
            raise UsageError(f"--key {text!r} {fault}. For example {_EXAMPLE}.")
        return cls(text, tuple(_Component.parse(each) for each in text.split("/")))

    def match(self, key: bytes) -> tuple[bytes | None, bytes]:
        parts = key.split(b"/")
        alike = len(parts) == len(self._components)
        found = (
            [component.match(part) for component, part in zip(self._components, parts, strict=True)] if alike else []
        )
        if not found or None in found:
            raise BadInput("key", f"--key {self.text!r} does not explain {_printable(key)}.")
        values = {name: value for each in found if each for name, value in each.items()}
        return values.get("subject"), values["impression"]


@dataclass(frozen=True)
class _Component:
    """What a template has between two slashes: fields, and the texts around them."""

    names: tuple[str, ...]
    texts: tuple[bytes, ...]

    @staticmethod
    def parse(text: str) -> "_Component":
        start, *rest = _FIELD.split(text)
        texts = (each.encode("utf-8", "surrogateescape") for each in (start, *rest[1::2]))
        return _Component(tuple(rest[::2]), tuple(texts))

    def match(self, part: bytes) -> dict[str, bytes] | None:
        """The values of the fields; None if the part is not of this form.

        Searching for each text from the right takes linear time. A regular expression would take for each field a
        power more of a key's length, which an untrusted tar decides on.
        """
        start, *between, last = self.texts if self.names else (*self.texts, b"")
        if not part.startswith(start) or not part.endswith(last):
            return None
        first, end = len(start), len(part) - len(last)
        if not self.names:
            return {} if end == first else None
        values = []
        for text in reversed(between):
            at = part.rfind(text, first, max(0, end - 1))
            if at < 0:
                return None
            values.append(part[at + len(text) : end])
            end = at
        if end <= first:
            return None
        return dict(zip(self.names, [part[first:end], *reversed(values)], strict=True))


def sample_identity(key: bytes, template: KeyTemplate | None, named: str | None) -> tuple[str, str]:
    """Subject and impression, as they stand in our key; `named` is the class of the sample, if it has one."""
    for what, size in (("key", len(key)), ("class", len(named or ""))):
        if size > _LONGEST:
            raise BadInput("key", f"its {what} has a length of {size:,}; at most {_LONGEST:,} are taken.")
    key = b"/".join(part for part in key.split(b"/") if part not in (b"", b"."))
    if template:
        subject, impression = template.match(key)
        return _parts(subject, impression, named)
    if known := match_first(KNOWN_LAYOUTS, key + IMAGE_SUFFIX.encode()):
        return known[1:]
    folder, _, name = key.rpartition(b"/")
    return _parts(folder or None, name, named)


def _parts(subject: bytes | None, impression: bytes, named: str | None) -> tuple[str, str]:
    if subject is not None:
        return encode_name(subject), encode_name(impression)
    if named is not None:
        return encode_name(named.encode("utf-8", "surrogatepass")), encode_name(impression)
    return encode_name(impression), DEFAULT_IMPRESSION


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


def _printable(key: bytes) -> str:
    return repr(key.decode("utf-8", "surrogateescape"))
