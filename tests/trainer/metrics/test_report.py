"""`run.md`, from a run folder that was driven by hand."""

import io
import re
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.trainer.metrics.figures import FACTS, IDLE, figures, measured
from trainer.config.schema import Config, Data, Log, Optim
from trainer.metrics.logger import MetricsLogger
from trainer.metrics.records import Record, event_record, step_record, validation_record
from trainer.metrics.report import PAGE_FILE, det_points, render_plots, write_page

CONFIG = Config(data=Data(path="packed", test="held out"), optim=Optim(reduce="exact"), log=Log(tensorboard=False))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "first"
    watch = MetricsLogger(folder, CONFIG.log, talk=io.StringIO())
    for step, eer in ((100, 0.2), (200, 0.018), (300, 0.018), (400, 0.03)):
        watch.record(measured(step, loss=100 / step, waits=(0.016, 0.032)))
        watch.validated(step, "full", figures(eer))
        (folder / "checkpoints" / f"step-{step:010d}").mkdir(parents=True)
    watch.validated(150, "subset", figures(0.001, tar={}))
    watch.validated(200, "test", figures(0.025, interval=None))
    watch.close()
    return folder


def page(folder: Path) -> str:
    write_page(folder, CONFIG, FACTS)
    return (folder / PAGE_FILE).read_text()


def test_the_best_is_the_first_full_validation_that_no_other_one_beat(run: Path) -> None:
    assert "| best | **EER 1.8 % [1.3…2.1 %]** on val, full validation at step 200 |" in page(run)


def test_where_the_weights_are(run: Path) -> None:
    assert "| weights | `checkpoints/step-0000000200/model.safetensors` |" in page(run)
    (run / "checkpoints" / "step-0000000200" / "ema.safetensors").touch()
    assert "| weights | `checkpoints/step-0000000200/ema.safetensors` |" in page(run)
    (run / "checkpoints" / "step-0000000200" / "ema.safetensors").unlink()
    (run / "checkpoints" / "step-0000000200").rmdir()
    assert "| weights | `checkpoints/step-0000000400/model.safetensors` |" in page(run)


def test_figures(run: Path) -> None:
    said = page(run)
    assert "| test | EER 2.5 % on held out, with the weights of step 200 |" in said
    assert "| loss | 0.250, the mean since the record before |" in said
    assert "| speed | 400 samples/s, the median of all records |" in said
    assert "| waiting for data | 2.0 % of the time, 2.0 % at most |" in said
    assert "| versions | torch 2.13.0, python 3.12.0 |" in said
    assert "| step | kind | rate [95 %] | TAR at FAR 0.01 | TAR at FAR 0.001 | TAR at FAR 1e-06 |" in said
    assert "| 100 | full | EER 20.0 % [1.3…2.1 %] | 97.1 % | 93.0 % | too few pairs |" in said


def test_its_plots_are_there(run: Path) -> None:
    named = re.findall(r"!\[\w+\]\((.*)\)", page(run))
    assert named == ["plots/loss.svg", "plots/rate.svg", "plots/det.svg"]
    for each in named:
        ET.parse(run / each)  # noqa: S314 - our own text


def test_its_settings_are_those_that_were_chosen(run: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", page(run), re.DOTALL)
    assert tomllib.loads(block) == {
        "data": {"path": "packed", "test": "held out"},
        "optim": {"reduce": "exact"},
        "log": {"tensorboard": False},
    }


def test_a_run_that_recorded_nothing_has_a_page_as_well(tmp_path: Path) -> None:
    said = page(tmp_path)
    assert "| weights | none are kept |" in said
    assert "| best |" not in said
    assert "![" not in said


def test_a_second_page_takes_the_place_of_the_first(run: Path) -> None:
    assert page(run) == page(run)
    assert not list(run.rglob("*.part"))


STEPS = [step_record(measured(step, loss=1 / step), IDLE, 1.0) for step in (1, 2, 3)]


def legend(svg: str) -> set[str]:
    return {each.text or "" for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314


def test_all_three() -> None:
    judged = [validation_record(step, "full", figures(1 / step)) for step in (2, 3, 4)]
    told = [*STEPS, validation_record(2, "subset", figures(0.4)), *judged, validation_record(3, "test", figures())]
    drawn = render_plots(told)
    assert list(drawn) == ["loss", "rate", "det"]
    assert {"subset validation", "full validation"} <= legend(drawn["rate"])
    assert {"step 2", "step 4", "test", "equal error"} <= legend(drawn["det"])
    assert "step 3" not in legend(drawn["det"])


def test_what_was_never_recorded_is_not_drawn() -> None:
    assert render_plots([event_record("started", {})]) == {}
    assert list(render_plots(STEPS)) == ["loss"]
    blind = [validation_record(2, "full", {"eer": None, "tar": {}})]
    assert list(render_plots([*STEPS, *blind])) == ["loss"]


def test_a_loss_that_was_no_number_is_a_gap() -> None:
    lost: Record = {**STEPS[0], "step": 4, "loss": None}
    assert render_plots([*STEPS, lost]) == render_plots(STEPS)


def test_a_perfect_separation_can_be_drawn() -> None:
    perfect = figures(0.0, det=[[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    ET.fromstring(render_plots([validation_record(2, "full", perfect)])["det"])  # noqa: S314 - our own text
    assert det_points(perfect)[0] == (1.0, 0.0)
