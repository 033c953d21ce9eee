"""A run from its config to its end: begun, or taken up where the newest valid checkpoint left it."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from shardkit import publish
from trainer.batches import Row
from trainer.checkpoint.find import Found, found, told
from trainer.checkpoint.writer import Writer
from trainer.config.sections import Config
from trainer.config.toml import as_toml
from trainer.loop import Ending, train
from trainer.run.duties import RunDuties
from trainer.run.final import judged_at_last
from trainer.run.judge import Judge
from trainer.run.opening import told_at_start
from trainer.run.parts import Parts, parts_of
from trainer.run.profiling import profiled
from trainer.run.report import Report
from trainer.run.surroundings import Surroundings
from trainer.step import Outcome


def carried_out(config: Config, around: Surroundings) -> Ending:
    folder = Path(config.run.folder)
    before = taken_up(folder, around)
    parts = parts_of(config, around.world, before, around.say)
    if around.watch:
        _keep_config(folder, parts.config)
        around.watch.resume(parts.state.progress.step)
        told_at_start(parts, around, resumed=before is not None)
    with ExitStack() as stack:
        writer = Writer(folder, parts.config.checkpoint.keep, around.watch.saved) if around.watch else None
        if writer:
            stack.callback(writer.close)
        ending = _trained(parts, around, writer)
        around.dog.alive(config.system.first_timeout)
    if ending.finished and not judged_at_last(parts, around):
        return replace(ending, why="it was asked to stop before the test split was judged", exit_code=around.stopped)
    return ending


def taken_up(folder: Path, around: Surroundings) -> Found | None:
    """The newest valid checkpoint, as rank 0 finds it: ranks that look for themselves may see different ones."""
    mine = found(folder, around.say) if around.world.leads else None
    step = around.world.agreed(mine.step if mine else None)
    if step is None:
        return None
    return mine or told(folder, step)


def _trained(parts: Parts, around: Surroundings, writer: Writer | None) -> Ending:
    duties = RunDuties(
        parts.schedule,
        parts.state,
        around,
        parts.config.system,
        parts.record,
        lambda: parts.stream,
        Judge(parts, around, parts.config.data.val) if parts.config.data.val else None,
        writer,
        (parts.state.progress.step, parts.state.progress.validated),
    )
    report = Report(parts.schedule, parts.state, parts.config.data.global_batch, around.watch)

    def learn(row: Row) -> Outcome:
        outcome = parts.step(row, parts.schedule.lr(parts.state.progress.step), around.request.signal)
        around.dog.alive(parts.config.system.timeout)
        if writer:
            writer.check()
        return outcome

    parts.step.warm_up(parts.first.micro_batches[-1])
    with profiled(learn, parts.config.log.profile, Path(parts.config.run.folder), around) as own:
        return train(parts.rows, own, duties, report)


def _keep_config(folder: Path, config: Config) -> None:
    with publish(folder / "config.toml") as file:
        file.write(as_toml(config).encode())
