"""Charts say what the reports say: lengths from zero, ours marked, whoever is missing named."""

from xml.etree import ElementTree as ET

import pytest

from pages.chart import BARS, Bar, Chart, Panel, svg
from pages.charts import CARE, SPEED, charts
from tests.tools.bench.reports import checkers, readers, writers

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chart: Chart) -> ET.Element:
    return ET.fromstring(svg(chart))  # noqa: S314 - our own


def rects(chart: Chart, kind: str) -> list[float]:
    found = drawn(chart).iter(f"{SVG}rect")
    return [float(rect.get("width", "")) for rect in found if rect.get("class") == kind]


def words(chart: Chart) -> list[str]:
    return [text.text or "" for text in drawn(chart).iter(f"{SVG}text")]


def chart_of(*bars: Bar) -> Chart:
    return Chart("A & B", "", (Panel("panel", bars),), ())


def test_lengths_are_as_the_values_and_the_longest_fills_its_panel() -> None:
    lengths = rects(chart_of(Bar("one", 10, ""), Bar("half", 5, "")), "bar")

    assert lengths == [BARS, BARS / 2]


def test_who_is_missing_has_a_name_and_no_bar() -> None:
    chart = chart_of(Bar("there", 1, "1"), Bar("gone", None, "missing here"))

    assert len(rects(chart, "bar")) == 1
    assert {"gone", "missing here"} <= {*words(chart)}


def test_what_a_processor_is_called_cannot_break_the_picture() -> None:
    assert any("Some <CPU> & more, 25 GB" in line for line in words(charts({"readers": readers()})[SPEED]))


def test_light_and_dark_pages_are_both_thought_of() -> None:
    picture = svg(chart_of(Bar("one", 1, "")))

    assert "prefers-color-scheme:dark" in picture
    assert 'class="page"' in picture


def test_speeds_stand_in_order_beside_webdataset_ours_marked() -> None:
    chart = charts({"readers": readers()})[SPEED]
    decoded, stored = (panel.bars for panel in chart.panels)

    assert [bar.name for bar in decoded[:3]] == ["shardkit png", "LitData", "webdataset"]
    assert [bar.kind for bar in decoded] == ["ours", *["bar"] * 6]
    assert decoded[0].said == "1 750 · 3.5\N{MULTIPLICATION SIGN} · 100 MB"
    assert (stored[-1].name, stored[-1].said) == ("FFCV, raw", "missing here")


def test_the_chart_of_packing_has_the_largest_dataset_and_the_peers_without_imports() -> None:
    chart = charts({"writers": writers(), "checkers": checkers()})[CARE]
    packing, verifying = chart.panels

    assert packing.bars[0].said == "0.80 s"
    assert next(bar.said for bar in packing.bars if bar.name == "webdataset") == "1.5 s (2.0 with its imports)"
    assert "10.4 GB" in verifying.title
    assert [bar.name for bar in verifying.bars] == ["cat, nothing compared", "shardkit verify", "sha256sum"]


@pytest.mark.parametrize("names", [(), ("writers",), ("checkers",)])
def test_no_chart_is_drawn_of_what_was_not_measured(names: tuple[str, ...]) -> None:
    all_reports = {"writers": writers(), "checkers": checkers()}

    assert charts({name: all_reports[name] for name in names}) == {}
