"""A document that is broken is told by its line: what is not seen here would not be run either."""

import pytest

from tests.documents.options import unknown
from tests.documents.parts import blocks, given, inline_commands

DOCUMENT = """<!-- given: fingers, packed -->

# Title

Text with `shardkit pack SRC DST --codec zstd` in it.

<!-- with: 256 -> 16 -->
<!-- with: order packed -> order twins -->
<!-- ends: 4 -->
```
shardkit verify packed \\
    --quick   # every byte
# only a remark

shardkit order packed --batch 256
```

<!-- elsewhere: a cluster -->

```python
import shardkit
```
"""


def test_what_is_given_stands_at_the_top() -> None:
    assert given(DOCUMENT) == ["fingers", "packed"]
    assert given(DOCUMENT.partition("\n")[2]) == []


def test_blocks_have_their_marks_and_lines() -> None:
    first, second = blocks(DOCUMENT)
    assert (first.line, first.language, first.marks["ends"]) == (10, "", "4")
    assert first.commands == ["shardkit verify packed --quick   # every byte", "shardkit order twins --batch 16"]
    assert (second.language, second.marks) == ("python", {}), "a mark belongs to the block right behind it"


def test_what_is_to_be_replaced_must_be_there() -> None:
    with pytest.raises(AssertionError, match="line 2: the block does not show '8'"):
        list(blocks("<!-- with: 8 -> 2 -->\n```\nmake test\n```\n"))


def test_a_block_that_is_left_open_is_found() -> None:
    with pytest.raises(AssertionError, match="not closed"):
        list(blocks("```\nmake test\n"))


@pytest.mark.parametrize("fence", ["  ```", "~~~"])
def test_a_fence_that_would_not_be_run_is_refused(fence: str) -> None:
    with pytest.raises(AssertionError, match="line 1: only a fence"):
        list(blocks(f"{fence}\nmake test\n{fence}\n"))


def test_commands_in_a_sentence_are_found() -> None:
    assert inline_commands(DOCUMENT) == ["shardkit pack SRC DST --codec zstd"]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("shardkit pack a b --codec zstd [--size 299]", []),
        ("shardkit pack a b --codek zstd", ["shardkit pack --codek"]),
        ("shardkit train", ["shardkit train"]),
        ("git clone shardkit.bundle shardkit", []),
        ("ls && .venv/bin/shardkit verify x --quick", []),
        ("ls && shardkit verify x --deep", ["shardkit verify --deep"]),
        ("torchrun --standalone -m trainer --config demo --optim.base_lr 1", []),
        ("python -m trainer --optim.lr 1", ["trainer train --optim.lr"]),
        ("python -m trainer prove run --ranks 8 --data.path x", []),
        ("python -m trainer evaluate run --ranks 8", ["trainer evaluate --ranks"]),
        ("python -m trainer pack", ["trainer pack"]),
    ],
)
def test_options_that_are_not_there(line: str, wrong: list[str]) -> None:
    assert list(unknown(line)) == wrong
