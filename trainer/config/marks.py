"""The mark that every field of the config carries: whether it is part of a run's identity.

An interrupted run ends with the bits of an uninterrupted one as long as its identity is the same. So a resume refuses
another value of an identity field and names it, while a free field may change from start to start.
"""

from dataclasses import Field, field
from typing import TypeVar

T = TypeVar("T")
_MARK = "identity"


def identity(default: T) -> T:
    """A field that decides the weights."""
    return field(default=default, metadata={_MARK: True})


def free(default: T) -> T:
    """A field that decides where, how fast and how talkatively, and never the weights."""
    return field(default=default, metadata={_MARK: False})


def is_identity(each: "Field[object]") -> bool:
    return bool(each.metadata[_MARK])
