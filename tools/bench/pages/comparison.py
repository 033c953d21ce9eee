"""The table of README.md: what loaders can do, and how they compare where that was measured. Pure: text from facts."""

from collections.abc import Iterable, Sequence

from pages.features import Feature
from pages.measured import Row, rows
from pages.names import SHARDKIT, TITLES, times
from pages.reports import Report, Reports, machine_line, versions_line

BEGINS, ENDS = "<!-- measured -->", "<!-- /measured -->"
SIGNS = {"yes": "✓", "no": "\N{EN DASH}", "none": ""}
MISSING = "missing here"
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
ORIGIN = "Facts with their sources: [features.toml](tools/bench/pages/features.toml)"


def table(features: Sequence[Feature], reports: Reports) -> str:
    notes: list[str] = []
    lines = [_line(["", *(f"**{title}**" if name == SHARDKIT else title for name, title in TITLES.items())])]
    lines.append(_line(["---", *("---" for _ in TITLES)]))
    lines += [_line([feature.name, *_answers(feature, notes)]) for feature in features]
    lines += [_line([row.name, *_ratios(row)]) for row in rows(reports)]
    numbered = " ".join(f"{_raised(number)} {note}." for number, note in enumerate(notes, 1))
    return "\n".join([*lines, "", numbered, "", *_below(reports)]) + "\n"


def placed(document: str, page: str) -> str:
    """The document with the page between its marks; as it was, if it has none."""
    before, begins, rest = document.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    return f"{before}{begins}\n{page}{ends}{after}" if begins and ends else document


def _answers(feature: Feature, notes: list[str]) -> Iterable[str]:
    for loader in TITLES:
        answer = feature.answers[loader]
        if answer.answer != "partly":
            yield SIGNS[answer.answer]
            continue
        if answer.note not in notes:
            notes.append(answer.note)
        yield f"partly{_raised(notes.index(answer.note) + 1)}"


def _ratios(row: Row) -> Iterable[str]:
    for loader in TITLES:
        ways = row.ratios.get(loader, {})
        words = ", ".join(f"{way} {_ratio(row, ratio)}".strip() for way, ratio in ways.items())
        yield MISSING if loader in row.missing else f"**{words}**" if words and loader == SHARDKIT else words


def _ratio(row: Row, ratio: float) -> str:
    return f"{ratio:.2f}" if row.name.startswith(("bytes", "packing")) else times(ratio)


def _below(reports: Reports) -> Iterable[str]:
    shown = [reports[name] for name in ("readers", "overhead", "writers") if name in reports]
    if not shown:
        return
    machines = dict.fromkeys(machine_line(report.machine) for report in shown)
    yield f"Measured by `make bench` on {'; '.join(machines)} ({versions_line(shown[0])}). {_fairness()} {ORIGIN}."
    yield from (f"\n{name} is missing: {why}." for name, why in _missing(shown).items())


def _fairness() -> str:
    return (
        "Page cache warm, two workers or threads each, cv2 decodes for the peers; "
        "the time to pack leaves out the peers' imports and counts ours."
    )


def _missing(shown: Iterable[Report]) -> dict[str, str]:
    return {TITLES.get(name, name): why for report in shown for name, why in report.missing.items()}


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _raised(number: int) -> str:
    return str(number).translate(RAISED)
