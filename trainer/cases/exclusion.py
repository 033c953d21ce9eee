"""The list that `shardkit pack --exclude` reads: a key on each line, and why, on a comment before it."""

from collections.abc import Sequence

from trainer.cases.hard import Doubted

_HEAD = (
    "Candidates for a wrong label: each resembles another subject more than its own.",
    "Look at them in index.html, and delete the lines of those that are right.",
    "Then: shardkit pack SOURCE OUT --exclude exclude.txt",
)


def exclusion(doubted: Sequence[Doubted]) -> str:
    lines = [f"# {each}" for each in _HEAD]
    for each in doubted:
        lines += ["", f"# {each.reason}", each.picture.key]
    return "\n".join(lines) + "\n"
