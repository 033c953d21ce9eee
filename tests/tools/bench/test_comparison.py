"""The table: facts with sources, ratios from reports, and the page as it is committed."""

import page
from pages.chart import svg
from pages.charts import charts
from pages.comparison import BEGINS, ENDS, placed, table
from pages.features import ANSWERS, features
from pages.names import TITLES
from pages.reports import reports_in
from tests.tools.bench.reports import readers, writers

X = "\N{MULTIPLICATION SIGN}"


def row(name: str) -> list[str]:
    lines = table(features(), {"readers": readers(), "writers": writers()}).splitlines()
    line = next(line for line in lines if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_every_loader_has_an_answer_and_a_source_to_everything() -> None:
    for feature in features():
        assert [*feature.answers] == [*TITLES], feature.name
        assert all(answer.answer in ANSWERS and answer.source for answer in feature.answers.values()), feature.name


def test_whatever_is_partly_so_says_how() -> None:
    answers = [answer for feature in features() for answer in feature.answers.values()]

    assert all(bool(answer.note) == (answer.answer == "partly") for answer in answers)


def test_where_others_are_better_the_table_says_so() -> None:
    assert sum(feature.answers["shardkit"].answer == "no" for feature in features()) >= 3
    assert row("streams from S3")[:3] == ["\N{EN DASH}", "✓", "✓"]


def test_ratios_are_those_of_the_reports() -> None:
    assert row("PNGs decoded") == ["**png 3.5**", "1.0", "0.6", "1.2", "0.9", "", "0.8"]
    assert row("packing")[:2] == ["**png 0.80, zstd 3.00**", "1.50"]


def test_a_peer_that_could_not_be_installed_is_missing_with_the_reason() -> None:
    assert row("pixels stored")[5] == "missing here"
    assert "FFCV is missing: no compiler here." in table(features(), {"readers": readers()})


def test_a_row_that_was_not_measured_is_not_there() -> None:
    assert X not in table([], {})


def test_the_page_is_put_between_its_marks_and_nowhere_else() -> None:
    document = f"before\n{BEGINS}\nold\n{ENDS}\nafter\n"

    assert placed(document, "new\n") == f"before\n{BEGINS}\nnew\n{ENDS}\nafter\n"
    assert placed("no marks\n", "new\n") == "no marks\n"


def test_readme_says_what_is_kept() -> None:
    readme = page.README.read_text()

    assert placed(readme, table(features(), reports_in(page.MEASURED))) == readme, "python tools/bench/page.py --keep"


def test_the_charts_show_what_is_kept() -> None:
    for name, chart in charts(reports_in(page.MEASURED)).items():
        assert (page.PICTURES / name).read_text() == svg(chart), "python tools/bench/page.py --keep"
