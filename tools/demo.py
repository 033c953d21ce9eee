"""What the project can show today, each step a command that is printed before it runs: `make demo`.

The trainer joins as it is built.
"""

import subprocess
import sys
from pathlib import Path

import click

from shardkit.cli.console import say
from shardkit.cli.run import run
from shardkit.errors import Interrupted, ShardkitError

TOOLS = Path(__file__).resolve().parent
SHARDKIT = str(Path(sys.executable).with_name("shardkit"))

FOUND_DAMAGE = 4
ROW = ("--batch", 4, "--epoch", 7, "--step", 2, "--world-size", 2)


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--subjects", type=click.IntRange(4), default=40, show_default=True, help="Fingers to make.")
def demo(*, out: Path, subjects: int) -> None:
    """Make fingerprints below OUT, judge, pack and stream them, damage a shard and mend it.

    A second run finds them there.
    """
    fingers, packed, sheet = out / "fingers", out / "packed", out / "contact-sheet.png"
    options = ["--subjects", str(subjects), "--impressions", "6", "--size", "400x320", "--contact-sheet", str(sheet)]
    _tool(f"1. {subjects} fingers, six impressions each, with their minutiae", "make_fingerprints", fingers, *options)
    _tool("2. Are the minutiae true, and how hard are the prints?", "judge_fingerprints", fingers)
    say(f"\n3. What such a tree costs\n{_cost(fingers)} Every epoch opens each file anew.")
    splitting = ["--split", "train=0.8,val=0.2", "--groups", str(fingers / "groups.csv"), "--shard-size", "8MB"]
    _shardkit("4. Packed, the fingers of one hand in one split", "pack", fingers, packed, *splitting)
    say(_cost(packed))
    _shardkit("5. Every byte is what it was", "verify", packed)
    _tool("6. Streamed, beside a DataLoader over the files", "compare_loaders", fingers, packed)
    _shardkit("7. Which samples any row of any epoch holds, for ever", "order", packed, *ROW)
    say(f"\n8. A bit falls over, at {_flip_a_bit(packed / 'train-000000.tar')}")
    _shardkit("9. Verify finds it", "verify", packed, expected=FOUND_DAMAGE)
    _shardkit("10. Repair makes the shard again from the tree", "repair", packed, "--source", fingers)
    _shardkit("11. And the dataset is whole", "verify", packed)
    say(f"\nLook at {sheet}. Your own: .venv/bin/shardkit pack YOUR_TREE packed")


class StepFailed(ShardkitError):
    def __init__(self, exit_code: int) -> None:
        super().__init__("the step above failed, so the demo stops here.")
        self.exit_code = exit_code


def _tool(title: str, tool: str, *options: object) -> None:
    said = ["python", f"tools/{tool}.py", *map(str, options)]
    _step(title, said, [sys.executable, str(TOOLS / said[1].removeprefix("tools/")), *said[2:]])


def _shardkit(title: str, *options: object, expected: int = 0) -> None:
    said = ["shardkit", *map(str, options)]
    _step(title, said, [SHARDKIT, *said[1:]], expected)


def _step(title: str, said: list[str], command: list[str], expected: int = 0) -> None:
    say(f"\n{title}\n$ {' '.join(said)}")
    with subprocess.Popen(command) as running:
        try:
            ended = running.wait()
        except Interrupted:
            # The step knows how to stop: it is asked to, and given the time.
            running.terminate()
            raise
    if ended != expected:
        raise StepFailed(ended or 1)


def _flip_a_bit(tar: Path) -> str:
    content = bytearray(tar.read_bytes())
    place = len(content) // 2
    content[place] ^= 1
    tar.write_bytes(content)
    return f"byte {place:,} of {tar.name}"


def _cost(folder: Path) -> str:
    files = [path.stat() for path in folder.rglob("*") if path.is_file()]
    content, blocks = sum(file.st_size for file in files), sum(512 * file.st_blocks for file in files)
    lost = (blocks - content) / blocks
    return (
        f"{folder.name}: {len(files):,} files and inodes, {content / 1e6:,.1f} MB of content in "
        f"{blocks / 1e6:,.1f} MB of disk ({lost:.0%} lost in half-filled blocks)."
    )


if __name__ == "__main__":
    sys.exit(run(demo))
