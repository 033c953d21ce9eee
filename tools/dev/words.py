"""Words that we no longer write, counted in code and documents; their numbers may only fall.

`words.toml` has each word with what to write instead, and the number of its uses that are left. A new use is refused.
After removing some, `python tools/dev/words.py --update` lowers the numbers.
"""

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("words.toml")
SEARCHED = ("shardkit/**/*.py", "trainer/**/*.py", "tools/**/*.py", "docs/**/*.md", "*.md")


@dataclass(frozen=True)
class Word:
    pattern: str
    """Regular expression for all forms of the word, without the boundaries."""
    instead: str
    left: int
    """Uses that are still allowed."""

    def compile(self) -> re.Pattern[str]:
        # An underscore ends a word, so that names count too.
        return re.compile(rf"(?<![a-z]){self.pattern}(?![a-z])", re.IGNORECASE)


def read_words(path: Path = LIST) -> list[Word]:
    return [Word(**each) for each in tomllib.loads(path.read_text())["words"]]


def find_uses(root: Path, words: list[Word]) -> Mapping[str, list[str]]:
    """Return the places of each word, by its pattern."""
    patterns = [(word.pattern, word.compile()) for word in words]
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted({path for each in SEARCHED for path in root.glob(each)} - {LIST, Path(__file__)}):
        text = path.read_text()
        for name, pattern in patterns:
            for match in pattern.finditer(text):
                places[name].append(f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}")
    return places


def check(root: Path, words: list[Word]) -> Iterator[str]:
    places = find_uses(root, words)
    for word in words:
        uses = len(places[word.pattern])
        if uses > word.left:
            yield (
                f"{word.pattern!r}: expected at most {word.left} uses, got {uses}, for example "
                f"{places[word.pattern][-1]}. Write {word.instead}. `git diff` shows the new ones."
            )
        if uses < word.left:
            yield f"{word.pattern!r}: {uses} uses are left of {word.left}. Run `python tools/dev/words.py --update`."


def update(root: Path, words: list[Word]) -> str:
    """Return the list with numbers that are lower; none becomes larger."""
    places = find_uses(root, words)
    head = "# Words that we no longer write: pattern, what to write instead, uses that are left. Written by words.py.\n"
    entries = (
        f"[[words]]\npattern = {word.pattern!r}\ninstead = {word.instead!r}\n"
        f"left = {min(word.left, len(places[word.pattern]))}\n"
        for word in words
    )
    return "\n".join([head, *entries])


def main() -> None:
    words = read_words()
    if sys.argv[1:] == ["--update"]:
        LIST.write_text(update(ROOT, words))
        return
    found = list(check(ROOT, words))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
