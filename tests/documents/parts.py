"""The fenced blocks of a document, with the marks that stand before them: comments that nobody sees who reads it.

<!-- given: fingers, packed -->   at the top: what lies in the folder in which the document is run
<!-- ends: 4 -->                  the last command of the block ends with that exit code
<!-- with: A -> B -->             A is for readers, B is run: sizes that are too large for a test; there may be several
<!-- file: run.toml -->           the block is the content of that file
<!-- elsewhere: a cluster -->     it cannot run here; its options are still looked up
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARK = re.compile(r"<!-- (given|ends|with|file|elsewhere): (.+) -->")
_INLINE = re.compile(r"`((?:shardkit|python -m trainer|torchrun) [^`]+)`")


@dataclass(frozen=True)
class Block:
    line: int
    """Of its opening fence, from 1."""
    language: str
    text: str
    marks: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """One a line, a line that ends in a backslash joined with the next; what does not run is no command."""
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def given(document: str) -> list[str]:
    first = _MARK.match(document)
    return first[2].split(", ") if first and first[1] == "given" else []


def blocks(document: str) -> Iterator[Block]:
    lines = enumerate(document.splitlines(), 1)
    marks: dict[str, str] = {}
    for number, line in lines:
        if mark := _MARK.fullmatch(line):
            marks[mark[1]] = "\n".join(filter(None, (marks.get(mark[1]), mark[2])))
        elif line.lstrip().startswith(("```", "~~~")):
            assert line.startswith("```"), f"line {number}: only a fence of ``` at the margin is run"
            body = _body(lines)
            yield Block(number, line[3:].strip(), _replaced(body, marks.get("with", ""), number), marks)
            marks = {}
        else:
            marks = {}


def inline_commands(document: str) -> list[str]:
    return _INLINE.findall(re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE))


def _body(lines: Iterator[tuple[int, str]]) -> str:
    body: list[str] = []
    for _, line in lines:
        if line.startswith("```"):
            return "\n".join(body)
        body.append(line)
    raise AssertionError("a block is not closed")


def _replaced(body: str, rules: str, line: int) -> str:
    for rule in rules.splitlines():
        shown, run = rule.split(" -> ")
        assert shown in body, f"line {line}: the block does not show {shown!r}, which its mark replaces"
        body = body.replace(shown, run)
    return body
