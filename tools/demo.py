"""From nothing to a trained net, each step a command that is printed before it runs: `make demo`."""

import json
import shutil
import sys
from pathlib import Path

import click

from demonstration.cost import cost_of, flip_a_bit
from demonstration.learning import judged, reached, saved_step_of
from demonstration.steps import step, step_until_killed
from demonstration.summary import Places, Seen, summary
from shardkit.cli.console import say
from shardkit.cli.errors import run_command
from trainer.config.files import load_config

IMPRESSIONS, RANKS = 6, 2
SPLIT = "train=0.75,val=0.25"
FOUND_DAMAGE = 4
ROW = ("--batch", 8, "--epoch", 7, "--step", 2, "--world-size", RANKS)


@click.command()
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--subjects", type=click.IntRange(16), default=200, show_default=True, help="Fingers to make.")
@click.option("--epochs", type=click.IntRange(2), help="Of training.  [default: the recipe's]")
@click.option("--proved", type=int, default=8, show_default=True, help="Steps that `prove` trains twice; 0: none.")
@click.option("--fresh", is_flag=True, help="Throw away what an earlier run left below OUT, and start clean.")
def demo(*, out: Path, subjects: int, epochs: int | None, proved: int, fresh: bool) -> None:
    """Make fingerprints below OUT, pack, damage, mend and stream them, and train on them through a kill.

    Stopped anywhere, the same command goes on; a second run finds everything there.
    """
    places = Places(out)
    if fresh:
        _start_clean(places)
    _make(places, subjects)
    _pack(places)
    _damage_and_mend(places)
    _stream(places)
    killed = _train(places, epochs)
    _judge(places, proved)
    say(f"\n{summary(places, _seen(places, killed))}")


def _start_clean(places: Places) -> None:
    """Only what the demo makes: OUT may be anybody's folder."""
    for each in filter(Path.exists, places.all()):
        say(f"removing {each}")
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def _make(places: Places, subjects: int) -> None:
    amount = ("--subjects", subjects, "--impressions", IMPRESSIONS, "--size", "400x320")
    title = f"1. {subjects} fingers of nobody, {IMPRESSIONS} impressions each, with their minutiae"
    step(title, "python", "tools/make_fingerprints.py", places.fingers, *amount, "--contact-sheet", places.sheet)
    say(f"{places.fingers}: {cost_of(places.fingers)}. Every epoch of a loader over it opens each image anew.")


def _pack(places: Places) -> None:
    pack = ("shardkit", "pack", places.fingers)
    splitting = ("--split", SPLIT, "--groups", places.fingers / "groups.csv")
    step("2. Packed: the PNGs as they are, the fingers of one hand in one split", *pack, places.packed, *splitting)
    say(f"{places.packed}: {cost_of(places.packed)}.")
    title = "3. Packed again: pixels, in the codec that suits these prints"
    step(title, *pack, places.pixels, *splitting, "--codec", "auto")
    say(f"{places.pixels}: {cost_of(places.pixels)}.")


def _damage_and_mend(places: Places) -> None:
    verify = ("shardkit", "verify", places.packed)
    repair = ("shardkit", "repair", places.packed, "--source", places.fingers)
    if step("4. Every byte is what it was", *verify, expected=(0, FOUND_DAMAGE)):
        step("   An earlier run of the demo was stopped before it had mended its damage: that comes first", *repair)
    say(f"\n5. A bit falls over: {flip_a_bit(places.packed / 'train-000000.tar')}")
    step("6. Verify finds it, and names the print", *verify, expected=(FOUND_DAMAGE,))
    step("7. Repair makes the shard again from the tree", *repair)
    step("8. And every byte is what it was", *verify)


def _stream(places: Places) -> None:
    compared = ("tools/compare_loaders.py", places.fingers, places.packed, places.pixels, "--seconds", 3, "--json")
    step("9. Streamed, beside a plain DataLoader over the files", "python", *compared, into=places.speeds)
    step("10. Which samples any row of any epoch holds, for ever", "shardkit", "order", places.packed, *ROW)


def _train(places: Places, epochs: int | None) -> str:
    """How it was killed, if this time it was."""
    train = ["torchrun", "--standalone", f"--nproc_per_node={RANKS}", "-m", "trainer", "--config", "demo"]
    train += ["--data.path", str(places.packed), "--run.folder", str(places.run)]
    train += ["--run.epochs", str(epochs)] if epochs else []
    half = (epochs or load_config(["--config", "demo"]).run.epochs) / 2

    def in_the_middle() -> str:
        now = reached(places.run)
        return f"in the middle: behind step {now.step:,}" if now.epoch >= half else ""

    if in_the_middle():
        step("11. The same command again", *train)
        return ""
    title = "11. Two ranks learn to tell fingers apart, and are killed in the middle"
    if not step_until_killed(title, *train, when=in_the_middle):
        return ""
    killed, saved = reached(places.run).step, saved_step_of(places.run)
    step(f"12. The same command goes on, from the checkpoint behind step {saved:,}", *train)
    return f"two ranks, killed behind step {killed:,}, taken up at {saved:,} by the same command"


def _judge(places: Places, proved: int) -> None:
    trainer = ("python", "-m", "trainer")
    step("13. How well does it tell fingers apart that it never saw?", *trainer, "evaluate", places.run)
    title = "14. Killed and taken up, does a run end with the bits of one that was left alone?"
    if proved:
        step(title, *trainer, "prove", places.run, "--ranks", RANKS, "--steps", proved)


def _seen(places: Places, killed: str) -> Seen:
    speeds = json.loads(places.speeds.read_text())
    streams, all_judged = speeds["streams"], judged(places.run)
    return Seen(
        tree=cost_of(places.fingers),
        packed=cost_of(places.packed),
        pixels=cost_of(places.pixels),
        files=speeds["files"],
        png=streams[str(places.packed)],
        auto=streams[str(places.pixels)],
        untrained=all_judged[0],
        trained=all_judged[-1],
        killed=killed,
    )


if __name__ == "__main__":
    sys.exit(run_command(demo))
