"""What lies where in a tree: as shardkit's users have it, or by another template."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.storage.atomic import publish_bytes

USERS_LAYOUT = "batch_{batch:05}/subject_{subject:06}/impression_{impression:02}.png"
SUBJECTS_PER_BATCH = 1_000

# Files beside the samples.
GROUPS_FILE = "groups.csv"
_TOP_LEVEL_FILE = re.compile(r"\.|.*\.(json|csv)$")

_FIELD = re.compile(r"\{(batch|subject|impression)(?::(0[1-9][0-9]?))?\}")
_FIELDS_THAT_TOUCH = re.compile(r"\}[0-9]*\{")


@dataclass(frozen=True)
class Layout:
    """A template over `{batch}`, `{subject}` and `{impression}`, each with a width if wanted: `{subject:06}`."""

    template: str = USERS_LAYOUT

    def __post_init__(self) -> None:
        if not self._names_every_sample():
            raise UsageError(
                f"--layout {self.template!r} must name {{subject}} and {{impression}}, and may name {{batch}}, each "
                f"with a width such as :06 if you like, and use no other braces; for example {USERS_LAYOUT!r}."
            )
        # Subject 1, impression 11 and subject 11, impression 1 would be one file.
        if _FIELDS_THAT_TOUCH.search(self.template):
            raise UsageError(f"--layout {self.template!r} must have more than digits between two fields, such as _.")
        path = Path(self.of(0, 0))
        if path.is_absolute() or ".." in path.parts or path.suffix != ".png":
            raise UsageError(f"--layout {self.template!r} must be a relative path inside the folder that ends in .png.")
        if not self.template.isprintable() or _TOP_LEVEL_FILE.match(path.parts[0]):
            raise UsageError(
                f"--layout {self.template!r} must be printable, and begin neither with a dot nor with a name that "
                "ends in .json or .csv, since such files lie beside the samples."
            )

    def of(self, subject: int, impression: int) -> str:
        return self.template.format(batch=subject // SUBJECTS_PER_BATCH, subject=subject, impression=impression)

    def subject_id(self, subject: int) -> str:
        """The subject as a reader of the tree sees it: 000123 for `subject_{subject:06}`."""
        return next(format(subject, width) for name, width in _FIELD.findall(self.template) if name == "subject")

    def _names_every_sample(self) -> bool:
        names = {name for name, _ in _FIELD.findall(self.template)}
        return {"subject", "impression"} <= names and not set("{}") & set(_FIELD.sub("", self.template))


@dataclass(frozen=True)
class Tree:
    """Samples to make, each known by its subject and its number."""

    out: Path
    layout: Layout
    subjects: int
    samples: int
    seed: int

    def path(self, subject: int, number: int) -> Path:
        return self.out / self.layout.of(subject, number)


def publish_groups(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """The CSV that `shardkit pack --groups` reads: subjects of one group stay in one split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("subject", "group"))
    writer.writerows(rows)
    publish_bytes(path, text.getvalue().encode())
