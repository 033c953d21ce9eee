"""Which curves are drawn of which records."""

import xml.etree.ElementTree as ET

from tests.trainer.watch.figures import IDLE, figures, measured
from trainer.metrics.records import Record, event_record, step_record, validation_record
from trainer.metrics.report import det_points, render_plots

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
