"""`run.md`: the run on one page, for whoever finds its folder later. All of it comes from the config and the records.

`facts` are told as they are, whatever they are: what the run found out beside its config.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shardkit import publish
from trainer.config.sections import Config
from trainer.config.settings import values_of
from trainer.config.toml import toml_of
from trainer.watch.jsonl import METRICS, records
from trainer.watch.plots import plots
from trainer.watch.summary import summary, validations

PAGE = "run.md"
PLOTS = "plots"


def write_page(folder: Path, config: Config, facts: Mapping[str, Any]) -> None:
    """The plots come first: a page points at nothing that is missing."""
    told = records(folder / METRICS)
    drawn = plots(told)
    (folder / PLOTS).mkdir(parents=True, exist_ok=True)
    for name, svg in drawn.items():
        _publish(folder / PLOTS / f"{name}.svg", svg)
    lines = [
        f"# Run {folder.absolute().name}",
        *_table(summary(folder, config, told)),
        *_plots(list(drawn)),
        *_validations(told),
        "## Facts",
        *_table((name.replace("_", " "), _text(value)) for name, value in facts.items()),
        *_settings(config),
    ]
    _publish(folder / PAGE, "\n".join(lines))


def _publish(path: Path, text: str) -> None:
    with publish(path) as file:
        file.write(text.encode())


def _table(rows: Iterator[tuple[str, str]]) -> Iterator[str]:
    yield from ("", "| | |", "|---|---|")
    yield from (f"| {name} | {_in_cell(value)} |" for name, value in rows)
    yield ""


def _plots(names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"![{name}]({PLOTS}/{name}.svg)\n"


def _validations(told: list[dict[str, Any]]) -> Iterator[str]:
    head, *rows = validations(told)
    if rows:
        yield from ("## Validations", "", _row(head), _row("---" for _ in head), *map(_row, rows), "")


def _row(cells: Iterator[str] | list[str]) -> str:
    return f"| {' | '.join(map(_in_cell, cells))} |"


def _settings(config: Config) -> Iterator[str]:
    plain = values_of(Config())
    chosen = {name: value for name, value in values_of(config).items() if value != plain[name]}
    yield from ("## Settings", "", "Other than the defaults; `config.toml` has all of them.", "")
    yield from ("```toml", toml_of(chosen).strip(), "```", "")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _in_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
