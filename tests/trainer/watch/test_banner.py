"""The start banner (T31)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.watch.figures import FACTS
from trainer.config.schema import Config, Data, Optim, Run
from trainer.metrics.console import BANNER_WIDTH, format_banner

CONFIG = Config(run=Run(folder="runs/first"), data=Data(path="packed", global_batch=64, micro_batch=16))


def test_all_that_was_asked_for() -> None:
    assert format_banner(CONFIG, FACTS).splitlines() == [
        "folder     runs/first",
        "data       packed, generation 1: train, 3,200 samples of 400 subjects, judged on",
        "           val",
        "model      small, 281,344 parameters",
        "head       cosface, 400 classes",
        "batch      2 x 16 x 2 = 64 (ranks x micro-batch x accumulation)",
        "precision  fp32, head and loss in fp32",
        "LR         0.003 (linear scaling), adamw, cosine, after a warm-up of 0.5 epochs",
        "steps      2,515 (10 epochs of 252), seed 0",
        "device     2 ranks on x86_64, 1 thread each",
    ]


def test_what_is_special_is_told() -> None:
    config = replace(CONFIG, data=replace(CONFIG.data, val=""), optim=Optim(reduce="exact", warmup=0.0))
    said = " ".join(format_banner(config, {**FACTS, "precision": "fp16", "step": 1200}).split())
    for each in ("fp16 (AMP, scaled loss)", "gradients added exactly", "goes on behind step 1,200", "never judged"):
        assert each in said
    assert "warm-up" not in said


@given(st.integers(1, 10**9), st.integers(1, 512), st.text("abc /", max_size=60))
def test_it_fits_a_narrow_window(many: int, ranks: int, device: str) -> None:
    facts = {**FACTS, "samples": many, "parameters": many, "classes": many, "world_size": ranks, "device": device}
    assert all(len(line) <= BANNER_WIDTH for line in format_banner(CONFIG, facts).splitlines())
