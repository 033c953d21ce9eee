"""`index.html` and `exclude.txt` in one folder; each appears whole."""

from pathlib import Path

from shardkit import publish
from trainer.cases.exclusion import exclusion
from trainer.cases.hard import HardCases
from trainer.cases.page import page

PAGE, EXCLUDED = "index.html", "exclude.txt"


def write(folder: Path, cases: HardCases) -> None:
    """The list comes first: the page points at it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ((EXCLUDED, exclusion(cases.doubted)), (PAGE, page(cases))):
        with publish(folder / name) as file:
            file.write(text.encode())
