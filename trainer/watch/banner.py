"""What a run is about to do, before its first step: what people look for when a run turns out wrong.

`facts` is what the config does not say: world_size, accumulation, precision, lr, samples, subjects, classes,
generation, steps, epoch_steps, step, parameters, device, threads.
"""

from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from typing import Any

from trainer.config.sections import Config
from trainer.watch.words import count

WIDTH = 80
_LABEL = 11


def banner(config: Config, facts: Mapping[str, Any]) -> str:
    return "\n".join(_labelled(_lines(config, facts)))


def _lines(config: Config, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "folder", config.run.folder
    yield "data", _data(config, facts)
    yield "model", f"{config.model.name}, {count(facts['parameters'], 'parameter')}"
    yield "head", f"{config.head.name}, {facts['classes']:,} classes"
    yield "batch", _batch(config, facts)
    yield "precision", _precision(config, facts)
    yield "LR", _learning_rate(config, facts)
    yield "steps", _steps(config, facts)
    yield "device", f"{count(facts['world_size'], 'rank')} on {facts['device']}, {_threads(facts)}"


def _labelled(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for label, text in lines:
        first, *rest = wrap(text, WIDTH - _LABEL, break_long_words=False, break_on_hyphens=False) or [""]
        yield f"{label:<{_LABEL}}{first}"
        yield from (f"{'':<{_LABEL}}{line}" for line in rest)


def _data(config: Config, facts: Mapping[str, Any]) -> str:
    learnt = f"{count(facts['samples'], 'sample')} of {count(facts['subjects'], 'subject')}"
    judged = f", judged on {config.data.val}" if config.data.val else ", never judged (data.val is empty)"
    return f"{config.data.path}, generation {facts['generation']}: {config.data.train}, {learnt}{judged}"


def _batch(config: Config, facts: Mapping[str, Any]) -> str:
    ranks, micro, times = facts["world_size"], config.data.micro_batch, facts["accumulation"]
    return f"{ranks:,} x {micro:,} x {times:,} = {config.data.global_batch:,} (ranks x micro-batch x accumulation)"


def _precision(config: Config, facts: Mapping[str, Any]) -> str:
    name = {"off": "fp32", "bf16": "bf16 (AMP)", "fp16": "fp16 (AMP, scaled loss)"}.get(
        facts["precision"], facts["precision"]
    )
    exact = ", gradients added exactly" if config.optim.reduce == "exact" else ""
    return f"{name}, head and loss in fp32{exact}"


def _learning_rate(config: Config, facts: Mapping[str, Any]) -> str:
    optim = config.optim
    warm = f", after a warm-up of {optim.warmup:g} epochs" if optim.warmup else ""
    return f"{facts['lr']:.3g} ({optim.scale} scaling), {optim.name}, {optim.schedule}{warm}"


def _steps(config: Config, facts: Mapping[str, Any]) -> str:
    begun = f", goes on behind step {facts['step']:,}" if facts["step"] else ""
    epochs = f"{count(config.run.epochs, 'epoch')} of {facts['epoch_steps']:,}"
    return f"{facts['steps']:,} ({epochs}), seed {config.run.seed}{begun}"


def _threads(facts: Mapping[str, Any]) -> str:
    return f"{count(facts['threads'], 'thread')} each"
