"""Command `shardkit doctor PATH`: checks whether disk and machine suit a million files, and says what to change."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap

import click

from shardkit.cli.console import emit, green, red, say, yellow
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER
from shardkit.host.doctor import OPERATIONS, diagnose, locate, try_operations
from shardkit.host.facts import KernelRoots, Location, read_host
from shardkit.host.findings import Finding, Severity

_COLORS = {Severity.PROBLEM: red, Severity.ADVICE: yellow, Severity.OK: green, Severity.SKIPPED: yellow}

_LABEL, _TOPIC = 9, 15

_INDENT = " " * (_LABEL + _TOPIC)

_LONGEST_LINE = 120


@command(
    examples=("shardkit doctor .", "shardkit doctor /data/packed"),
)
@click.argument("path", type=FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print the facts and each finding as a JSON line instead.")
def doctor(path: Path, *, as_json: bool) -> None:
    """Check the disk that PATH is on, and this machine, against a folder of a million files.

    PATH is a dataset, a source tree, or a folder where a dataset will be made. Only there something is written: a
    small folder for trying out, which goes again. Nothing is changed; every advice comes with the command that does.
    """
    place = locate(path)
    tried = place.takes_a_dataset and place.writable
    host = read_host(place, try_operations(Path(place.checked), OPERATIONS) if tried else {}, KernelRoots())
    findings = diagnose(host)
    if as_json:
        emit({"host": asdict(host)})
        for finding in findings:
            emit({"finding": asdict(finding)})
    else:
        for line in report_lines(place, findings, min(get_terminal_size().columns, _LONGEST_LINE)):
            say(*line)


def report_lines(place: Location, findings: list[Finding], width: int) -> list[tuple[str, ...]]:
    counts = Counter(finding.severity for finding in findings)
    problems = "1 problem" if counts[Severity.PROBLEM] == 1 else f"{counts[Severity.PROBLEM]} problems"
    skipped = f" · {counts[Severity.SKIPPED]} skipped" if counts[Severity.SKIPPED] else ""
    total = f"{problems} · {counts[Severity.ADVICE]} advice · {counts[Severity.OK]} ok{skipped}"
    return [
        *((line,) for line in wrap(_format_location(place), width)),
        (),
        *(line for each in findings for line in _lines(each, width)),
        (),
        (total,),
    ]


def _format_location(place: Location) -> str:
    if place.asked == place.checked:
        return f"{place.asked} is {place.contents}."
    return f"{place.asked} does not exist yet. {place.checked}, where it would be made, is {place.contents}."


def _lines(finding: Finding, width: int) -> list[tuple[str, ...]]:
    label = _COLORS[finding.severity](f"{finding.severity:<{_LABEL}}")
    text = [line for each in (finding.fact, finding.why) for line in wrap(each, width - len(_INDENT))]
    # A command stays on its line, however long: people copy it.
    first, *rest = [*text, *(f"→ {change}" for change in finding.changes)]
    return [(label, f"{finding.topic:<{_TOPIC}}{first}"), *((_INDENT + line,) for line in rest)]
