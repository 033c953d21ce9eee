"""Random numbers of the order: a keyed mix of 64 bits, and the permutations made of it.

Libraries change their generators between releases, but an order must stay reproducible. So this one depends on no
library, and tests hold its values. A change of any value raises ORDER_VERSION.
"""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Words = NDArray[np.uint64]
Key = tuple[int, ...]
ORDER_VERSION = 1
_STEP = np.uint64(0x9E37_79B9_7F4A_7C15)
_FIRST = np.uint64(0xBF58_476D_1CE4_E5B9)
_SECOND = np.uint64(0x94D0_49BB_1331_11EB)
_WORD = (1 << 64) - 1


class KeyPurpose(IntEnum):
    """What a key is for: two purposes never share their chance."""

    SHARDS = 1
    ROTATION = 2
    BLOCK = 3
    SUBJECT = 4
    SHARE = 5
    SUBSET = 6
    HARD = 7
    EASY = 8


def mix64(words: Words) -> Words:
    """Every bit of a word decides every bit of its mix; no two words have the same one."""
    words = (words ^ (words >> np.uint64(30))) * _FIRST
    words = (words ^ (words >> np.uint64(27))) * _SECOND
    return words ^ (words >> np.uint64(31))


def key_words(*key: int | IntArray) -> Words:
    """One word of all parts of a key; where parts are arrays, a word for each of their elements."""
    first = next((place for place, part in enumerate(key) if not isinstance(part, int)), len(key))
    word: Words = np.array([_keyed_alone(key[:first])], np.uint64)
    for part in key[first:]:
        word = mix64(word + _STEP + _as_word(part))
    return word


def random_words(key: Words, numbers: IntArray) -> Words:
    """The number-th word of each key's sequence."""
    return mix64(key + _STEP * (numbers.astype(np.uint64) + np.uint64(1)))


def permutation(count: int, *key: int) -> IntArray:
    """The numbers below `count`, shuffled."""
    return np.argsort(random_words(key_words(*key), np.arange(count)), kind="stable")


def random_below(count: int, *key: int) -> int:
    """A number below `count`."""
    return int(key_words(*key)[0]) * count >> 64


def _keyed_alone(key: tuple[int | IntArray, ...]) -> int:
    """The same of numbers alone, by Python: lanes ask for each block, and arrays of one element take far longer."""
    word = 0
    for part in key:
        word = (word + int(_STEP) + int(part)) & _WORD
        word = (word ^ (word >> 30)) * int(_FIRST) & _WORD
        word = (word ^ (word >> 27)) * int(_SECOND) & _WORD
        word ^= word >> 31
    return word


def _as_word(part: int | IntArray) -> Words | np.uint64:
    return np.uint64(part & _WORD) if isinstance(part, int) else part.astype(np.uint64)
