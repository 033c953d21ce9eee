"""`python -m trainer replay RUN STEP`: a step done again, for whoever wants to see what happened in it.

From the newest checkpoint before it the run is repeated up to the step, in one process that takes all micro-batches
of a row. Then its pictures as the network saw them, its losses sample by sample and its gradients tensor by tensor are
laid down in `RUN/replay/step-…`. The run itself is not touched.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from shardkit import publish
from trainer.checkpoint.find import Found, before
from trainer.commands.looking import Seen, look_into
from trainer.commands.replay_text import figures_of, told
from trainer.commands.run_folder import parser_of_run, run_and_config
from trainer.commands.sheet import sheet
from trainer.commands.train import before_cuda
from trainer.errors import UsageError
from trainer.run.parts import Parts, parts_of
from trainer.world.ranks import joined

_DESCRIPTION = """Do one step again: its pictures, losses and gradients, and the sample behind a NaN.

They are laid down in RUN/replay/step-…; the run itself is not touched."""
_TOLD_EVERY = 100


def main(arguments: Sequence[str]) -> int:
    parser = parser_of_run("replay", _DESCRIPTION, "runs/first 1200")
    parser.add_argument("step", type=int, metavar="STEP", help="which one, counted from 1")
    words, config, _ = run_and_config(parser, arguments)
    before_cuda(config)
    with joined(config.system) as world:
        if world.size > 1:
            raise UsageError(
                "replay runs in one process: start it without torchrun. It does all micro-batches of a row."
            )
        start = before(words.run, words.step, _say)
        parts = parts_of(config, world, start, _say)
        _refuse_unreachable(words.step, parts)
        folder = _made(words.run / "replay" / f"step-{words.step:010d}")
        _repeat(parts, words.step, start)
        seen = look_into(parts, next(parts.rows))
    _lay_down(folder, seen)
    _say(told(seen, words.step, folder))
    return 0


def _repeat(parts: Parts, step: int, start: Found | None) -> None:
    done = parts.state.progress.step
    if done < step - 1:
        whence = f"from the checkpoint of step {done:,}" if start else "from the beginning"
        _say(f"{step - 1 - done:,} steps are done again first, {whence} …")
    parts.step.warm_up(parts.first.micro_batches[-1])
    while parts.state.progress.step < step - 1:
        done = parts.state.progress.step
        parts.step(next(parts.rows), parts.schedule.lr(done), 0)
        if done % _TOLD_EVERY == _TOLD_EVERY - 1:
            _say(f"step {done + 1:,}")


def _refuse_unreachable(step: int, parts: Parts) -> None:
    if not 1 <= step <= parts.schedule.steps:
        raise UsageError(f"replay: this run has the steps 1 to {parts.schedule.steps:,}, and not {step:,}.")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{folder}: the pictures cannot be laid down here ({error.strerror}). Copy the run folder to where you may "
            "write, and replay it there."
        ) from None
    return folder


def _lay_down(folder: Path, seen: Seen) -> None:
    content = json.dumps(figures_of(seen), indent=1, allow_nan=False).encode()
    for name, each in (("images.png", sheet(seen.images)), ("step.json", content)):
        with publish(folder / name) as file:
            file.write(each)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
