"""The charts and README's table, from what the benchmarks have said: `page.py` draws bench-results beside its JSON.

`page.py --keep readers writers` takes the named figures over into docs/measured and draws the page from what is kept
there: docs/pictures/*.svg, and README's table between its marks. `--keep` alone draws it again.
"""

import argparse
import shutil
import sys
from pathlib import Path

from pages.chart import svg
from pages.charts import charts
from pages.comparison import placed, table
from pages.features import features
from pages.reports import Reports, reports_in
from places import ROOT

RESULTS, MEASURED, PICTURES = ROOT / "bench-results", ROOT / "docs" / "measured", ROOT / "docs" / "pictures"
README = ROOT / "README.md"
TABLE = "comparison.md"


def draw(reports: Reports, folder: Path) -> list[Path]:
    """The charts whose reports are there."""
    files = {folder / name: svg(chart) for name, chart in charts(reports).items()}
    for file, picture in files.items():
        file.write_text(picture)
    return [*files]


def draw_results() -> list[Path]:
    reports = reports_in(RESULTS)
    page = RESULTS / TABLE
    page.write_text(table(features(), reports))
    return [*draw(reports, RESULTS), page]


def keep(names: list[str]) -> list[Path]:
    missing = [name for name in names if not (RESULTS / f"{name}.json").exists()]
    if missing:
        sys.exit(f"Nothing was measured by {', '.join(missing)}: run it first, e.g. make bench ONLY={missing[0]}")
    MEASURED.mkdir(exist_ok=True)
    for name in names:
        shutil.copyfile(RESULTS / f"{name}.json", MEASURED / f"{name}.json")
    reports = reports_in(MEASURED)
    README.write_text(placed(README.read_text(), table(features(), reports)))
    return [*draw(reports, PICTURES), README]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", nargs="*", metavar="SCRIPT", help="copy these figures into docs/measured")
    chosen = parser.parse_args().keep
    for file in draw_results() if chosen is None else keep(chosen):
        print(file.relative_to(ROOT))


if __name__ == "__main__":
    main()
