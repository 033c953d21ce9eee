"""The tree drawn in the module's docstring is the tree of the classes."""

import pickle
import re
import signal
from collections.abc import Iterator

import pytest

from shardkit import errors

Tree = dict[str, tuple[str, set[int]]]


def drawn() -> Tree:
    """Each name in the drawing with the name that it hangs from, and its exit codes."""
    tree: Tree = {}
    above: list[tuple[int, str]] = []
    for match in re.finditer(r"^([ │├└─]*)(\w+)  +(\d+(?: or \d+)*)", errors.__doc__ or "", re.MULTILINE):
        indent, name, codes = len(match[1]), match[2], match[3]
        above = [(column, each) for column, each in above if column < indent]
        tree[name] = (above[-1][1] if above else "", {int(code) for code in codes.split(" or ")})
        above.append((indent, name))
    return tree


def classes() -> Iterator[type[BaseException]]:
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, BaseException):
            yield each


def actual() -> Tree:
    tree: Tree = {}
    for each in classes():
        parent = each.__base__
        assert parent is not None
        codes = {each.exit_code} if issubclass(each, errors.ShardkitError) else {130, 143}
        tree[each.__name__] = (parent.__name__ if parent.__module__ == errors.__name__ else "", codes)
    return tree


def test_the_drawing_shows_the_classes() -> None:
    assert drawn() == actual()


@pytest.mark.parametrize(("signum", "code", "name"), [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")])
def test_interrupted_says_by_what(signum: int, code: int, name: str) -> None:
    error = errors.Interrupted(signum)

    assert (error.exit_code, str(error)) == (code, f"interrupted by {name}")
    assert not isinstance(error, Exception)


@pytest.mark.parametrize("error", [each for each in classes() if issubclass(each, errors.ShardkitError)])
def test_errors_travel_between_processes(error: type[errors.ShardkitError]) -> None:
    there = pickle.loads(pickle.dumps(error("what happened")))  # noqa: S301 - our own bytes

    assert (type(there), str(there)) == (error, "what happened")
