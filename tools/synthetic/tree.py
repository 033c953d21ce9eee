"""Where a sample lies: the tree that shardkit's users have, or another one by a template."""

import csv
import io
import string
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shardkit.errors import UsageError
from shardkit.format.publish import publish_bytes

USERS_LAYOUT = "batch_{batch:05}/subject_{subject:06}/impression_{impression:02}.png"
SUBJECTS_PER_BATCH = 1_000


@dataclass(frozen=True)
class Layout:
    """A template over `{batch}`, `{subject}` and `{impression}`, with format widths such as `{subject:06}`."""

    template: str = USERS_LAYOUT

    def __post_init__(self) -> None:
        names = set(_fields(self.template))
        if not {"subject", "impression"} <= names <= {"batch", "subject", "impression"}:
            raise UsageError(
                f"--layout {self.template!r} must name {{subject}} and {{impression}}, and may name {{batch}}, "
                f"for example {USERS_LAYOUT!r}."
            )
        path = Path(self.of(0, 0))
        if path.is_absolute() or ".." in path.parts or path.suffix != ".png":
            raise UsageError(f"--layout {self.template!r} must be a relative path inside the folder that ends in .png.")

    def of(self, subject: int, impression: int) -> str:
        return self.template.format(batch=subject // SUBJECTS_PER_BATCH, subject=subject, impression=impression)

    def subject_id(self, subject: int) -> str:
        """The subject as a reader of the tree sees it: 000123 for `subject_{subject:06}`."""
        return format(subject, _fields(self.template)["subject"])


def _fields(template: str) -> dict[str, str]:
    """Each field's name and format width."""
    try:
        return {name: width or "" for _, name, width, _ in string.Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise UsageError(f"--layout {template!r} is not a template: {error}.") from error


def publish_groups(path: Path, rows: Iterable[tuple[str, str]]) -> None:
    """The CSV that `shardkit pack --groups` reads: subjects of one group stay in one split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("subject", "group"))
    writer.writerows(rows)
    publish_bytes(path, text.getvalue().encode())
