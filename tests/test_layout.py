"""The layout check finds import cycles, deep packages, and files that are too long or too short."""

from itertools import pairwise
from pathlib import Path

import pytest

import architecture_rules as rules
import layout

LONG = "x = 1\n" * (rules.MAX_LINES + 1)
FINE = "x = 1\n" * rules.MIN_LINES


def find(root: Path, **files: str) -> list[str]:
    """Return what is wrong with modules of a package `shardkit`; a `__` in a name stands for a slash."""
    for name, content in files.items():
        path = root / "shardkit" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content or FINE)
        (path.parent / "__init__.py").touch()
    return [each for each in layout.check(root) if "SHORT_FILES" not in each or "Move it" in each]


def test_our_own_tree_has_the_layout() -> None:
    assert list(layout.check(layout.ROOT)) == []


@pytest.mark.parametrize(
    "line",
    [
        "from shardkit.b import x",
        "from shardkit import b",
        "if TYPE_CHECKING:\n    from shardkit.b import x",
        "def f():\n    from shardkit.b import x",
    ],
)
def test_a_cycle_is_found(tmp_path: Path, line: str) -> None:
    found = find(tmp_path, a=f"{line}\n{FINE}", b=f"from shardkit.a import y\n{FINE}")

    assert found == ["shardkit/a.py: import cycle shardkit.a → shardkit.b → shardkit.a."]


def test_a_chain_of_imports_has_floors(tmp_path: Path) -> None:
    limit = rules.MAX_FLOORS["*"]
    chain = {f"deep__m{number}": f"from shardkit.deep.m{number + 1} import x\n{FINE}" for number in range(limit)}

    (found,) = find(tmp_path, **chain, **{f"deep__m{limit}": FINE})

    assert found.startswith(f"shardkit/deep/__init__.py: {limit + 1} floors in shardkit.deep.")


def test_a_package_counts_as_one_floor(tmp_path: Path) -> None:
    names = [f"inner.m{number}" for number in range(4)]
    chain = {
        f"deep__{name.replace('.', '__')}": f"from shardkit.deep.{after} import x\n{FINE}"
        for name, after in pairwise(names)
    }
    top = f"from shardkit.deep.inner.m0 import x\n{FINE}"

    assert find(tmp_path, **chain, deep__inner__m3=FINE, deep__top=top) == []


@pytest.mark.parametrize(("content", "what"), [(LONG, "expected at most 400"), ("x = 1\n", "expected at least 60")])
def test_a_file_has_a_length(tmp_path: Path, content: str, what: str) -> None:
    (found,) = find(tmp_path, a=content)

    assert found.startswith("shardkit/a.py: ")
    assert what in found


def test_a_reason_for_a_short_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "shardkit").mkdir()

    assert any(each.startswith("shardkit/format/tar.py: no short file any more.") for each in layout.check(tmp_path))
