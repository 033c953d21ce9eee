"""What the project can show today, each step a command that is printed before it runs: `make demo`.

The packer, the stream and the trainer join as they are built.
"""

import subprocess
import sys
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.run import run
from shardkit.errors import Interrupted, ShardkitError

TOOLS = Path(__file__).resolve().parent


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--subjects", type=click.IntRange(2), default=40, show_default=True, help="Fingers to make.")
def demo(*, out: Path, subjects: int) -> None:
    """Make fingerprints below OUT, look at them and judge them. A second run finds them there."""
    fingers, sheet = out / "fingers", out / "contact-sheet.png"
    _step(
        f"1. {subjects} fingers, six impressions each, with their minutiae",
        ["make_fingerprints", str(fingers), "--subjects", str(subjects), "--impressions", "6", "--size", "400x320"],
        ["--contact-sheet", str(sheet)],
    )
    _step("2. Are the minutiae true, and how hard are the prints?", ["judge_fingerprints", str(fingers)])
    say("\n3. What such a tree costs")
    say(_cost(fingers))
    say(f"\nLook at {sheet}. Your own: .venv/bin/python tools/make_fingerprints.py --help")


class StepFailed(ShardkitError):
    def __init__(self, exit_code: int) -> None:
        super().__init__("the step above failed, so the demo stops here.")
        self.exit_code = exit_code


def _step(title: str, *parts: list[str]) -> None:
    tool, *options = [word for part in parts for word in part]
    say(f"\n{title}\n$ python tools/{tool}.py {' '.join(options)}")
    with subprocess.Popen([sys.executable, str(TOOLS / f"{tool}.py"), *options]) as running:
        try:
            ended = running.wait()
        except Interrupted:
            # The step knows how to stop: it is asked to, and given the time.
            running.terminate()
            raise
    if ended:
        raise StepFailed(ended)


def _cost(tree: Path) -> str:
    files = [path.stat() for path in tree.rglob("*") if path.is_file()]
    content, blocks = sum(file.st_size for file in files), sum(512 * file.st_blocks for file in files)
    lost = (blocks - content) / blocks
    return (
        f"{len(files):,} files and inodes, {content / 1e6:,.1f} MB of content in {blocks / 1e6:,.1f} MB of disk "
        f"({lost:.0%} lost in half-filled blocks); every epoch opens each file anew."
    )


if __name__ == "__main__":
    sys.exit(run(demo))
