"""Encoding of subject and impression names in keys: injective, reversible, and safe for every tool.

A key is `<subject>/<impression>`. WebDataset ends a key at the first dot, a terminal obeys control characters, and a
file name need not be UTF-8: such bytes, and `%` and `/`, are written as `%XX`. Everything else stays as it is.
"""

import re
from pathlib import Path

from shardkit.errors import UsageError

_ESCAPED = re.compile("[\x00-\x1f\x7f-\x9f%./\\\\\udc80-\udcff]")

ENCODED_NAME = r"^(%([01][0-9A-F]|7F|25|2E|2F|5C|[89A-F][0-9A-F])|[^\x00-\x1f\x7f-\x{9f}%./\\])+$"
"""All names that `encoded` writes, as a regular expression of RE2, which Arrow uses; `$` is the very end there.

It also matches escaped bytes that are UTF-8, which `is_encoded` refuses."""

_ESCAPE = re.compile(rb"%([0-9A-F]{2})")


def encode_name(name: bytes) -> str:
    """The part of a key that stands for a subject's or an impression's name."""
    return _ESCAPED.sub(_percent, name.decode("utf-8", "surrogateescape"))


def is_encoded(part: str) -> bool:
    return encode_name(_unescaped(part)) == part


def decode_name(part: str) -> bytes:
    """The name that `part` stands for; a part that `encoded` would not have written is refused."""
    name = _unescaped(part)
    if encode_name(name) != part:
        raise UsageError(
            f"{part!a} is no part of a key: dots, '%', '/' and control characters are written as %XX there."
        )
    return name


def _unescaped(part: str) -> bytes:
    return _ESCAPE.sub(lambda match: bytes.fromhex(match[1].decode()), part.encode("utf-8", "surrogateescape"))


def key_of(subject: str, impression: str) -> str:
    return f"{subject}/{impression}"


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "surrogateescape"))


FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a file or a split may be called; a dataset from a stranger names nothing outside its own folder."""


def check_file_name(name: str, path: Path) -> None:
    if not FILE_NAME.fullmatch(name):
        raise UsageError(f"{path}: the name {name!a} is not allowed in a dataset (letters, digits, '.', '_', '-').")
