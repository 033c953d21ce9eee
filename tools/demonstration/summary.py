"""What the demo says at its end: what was measured on this machine, where everything lies, and what to type next."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demonstration.cost import Cost
from demonstration.learning import Judged


@dataclass(frozen=True)
class Places:
    out: Path

    @property
    def fingers(self) -> Path:
        return self.out / "fingers"

    @property
    def packed(self) -> Path:
        return self.out / "packed"

    @property
    def pixels(self) -> Path:
        return self.out / "packed-auto"

    @property
    def run(self) -> Path:
        return self.out / "run"

    @property
    def sheet(self) -> Path:
        return self.out / "contact-sheet.png"

    @property
    def speeds(self) -> Path:
        return self.out / "speeds.json"

    def all(self) -> list[Path]:
        return [
            self.run,
            self.packed,
            self.pixels,
            self.fingers,
            self.sheet,
            self.speeds,
            Path(f"{self.speeds}.unfinished"),
        ]


@dataclass(frozen=True)
class Seen:
    tree: Cost
    packed: Cost
    pixels: Cost
    files: float
    """Images a second of a DataLoader over the files."""
    png: float
    auto: float
    untrained: Judged
    trained: Judged
    killed: str
    """How; nothing if this run of the demo killed none."""


def summary(places: Places, seen: Seen) -> str:
    return "\n".join(["What you saw, on this machine", *_seen(seen), "", *_places(places), "", *_yours()])


def _seen(seen: Seen) -> Iterator[str]:
    yield _line("files", f"{seen.tree.files:,} in the tree, {seen.packed.files:,} packed; not one image decoded for it")
    yield _line(
        "speed", f"{_times(seen.png, seen)} packed as PNGs, {_times(seen.auto, seen)} as pixels that `auto` chose"
    )
    yield _line("", f"(beside a DataLoader over the files: {seen.files:,.0f} images/s)")
    yield _line(
        "disk",
        f"{_megabytes(seen.tree)} of tree, {_megabytes(seen.packed)} as PNGs, {_megabytes(seen.pixels)} as pixels",
    )
    yield _line("damage", "a flipped bit was found by `verify`, named, and mended by `repair`")
    yield _line("training", seen.killed or "two ranks; nothing had to be killed this time")
    yield _line("judged", f"{seen.untrained.rate} untrained, {seen.trained.rate} after {seen.trained.step:,} steps,")
    yield _line("", f"on {seen.trained.subjects} fingers that it never saw")


def _places(places: Places) -> Iterator[str]:
    yield "Where it lies"
    yield _line("prints", f"{places.fingers}, some of them on {places.sheet}")
    yield _line("datasets", f"{places.packed}, {places.pixels}: plain tars, try `tar tf`")
    yield _line("training", f"{places.run / 'run.md'} with its curves, {places.run / 'checkpoints'}")


def _yours() -> Iterator[str]:
    yield "Your own data"
    yield "  .venv/bin/shardkit pack YOUR_TREE packed --dry-run    # what is there, and what it would take"
    yield "  README.md goes on from there, docs/README.md has a guide for each task."


def _line(name: str, text: str) -> str:
    return f"  {name:<10}{text}"


def _times(rate: float, seen: Seen) -> str:
    return f"{rate / seen.files:.1f} x"


def _megabytes(cost: Cost) -> str:
    return f"{cost.blocks / 1e6:,.0f} MB"
