"""The charts of the page, from reports alone: decoded samples a second, and packing beside verifying."""

from collections.abc import Iterable

from pages.chart import Bar, Chart, Panel
from pages.names import ALSO_MEASURED, FFCV, FOLDER, PEERS, TIMES, TITLES, WEBDATASET, count, figure, times
from pages.reports import Report, Reports, machine_line, missing_line, versions_line

CODECS = ("zstd", "lz4", "raw")
LIMIT = "memcpy"
MISSING, NOT_MEASURED = "missing here", "not measured"
SPEED = "samples-per-second.svg"
CARE = "pack-and-verify.svg"


def charts(reports: Reports) -> dict[str, Chart]:
    """By the name of its file, each whose reports are there."""
    drawn: dict[str, Chart] = {}
    if "readers" in reports:
        drawn[SPEED] = _speed(reports["readers"])
    if "writers" in reports and "checkers" in reports:
        drawn[CARE] = _care(reports["writers"], reports["checkers"])
    return drawn


def _speed(readers: Report) -> Chart:
    own = tuple(_speed_bar(readers, codec, f"shardkit {codec}", "ours") for codec in CODECS)
    stored = (
        *own,
        _speed_bar(readers, FFCV, "FFCV, raw"),
        _speed_bar(readers, LIMIT, "memcpy alone: the limit", "limit"),
    )
    others = [name for name in (*PEERS, FOLDER) if name != FFCV]
    decoded = (
        _speed_bar(readers, "png", "shardkit png", "ours"),
        *(_speed_bar(readers, figure(name), TITLES[name]) for name in others),
        *(_speed_bar(readers, name, title) for name, title in ALSO_MEASURED.items()),
    )
    beside = _speed_bar(readers, WEBDATASET, "webdataset, PNG, as above")
    return Chart(
        "Samples a second, decoded, in shuffled batches of 64",
        f"4 000 grown fingerprints of 512 {TIMES} 512 in the page cache; samples/s · {TIMES} webdataset · MB on disk",
        (
            Panel("The PNGs as they are: every sample is decoded", _sorted(decoded)),
            Panel(
                "Pixels stored instead: more bytes, no PNG to decode (a scale of its own)", _sorted((*stored, beside))
            ),
        ),
        _footer(readers),
    )


def _speed_bar(report: Report, name: str, title: str, kind: str = "bar") -> Bar:
    speed = report.figures.get(f"{name}, samples a second")
    if speed is None:
        return Bar(title, None, _why(report, name), kind)
    ratio = speed / report.figures[f"{WEBDATASET}, samples a second"]
    size = "" if kind == "limit" else f" · {count(report.figures[f'{name}, MB'])} MB"
    return Bar(title, speed, f"{count(speed)} · {times(ratio)}{TIMES}{size}", kind)


def _care(writers: Report, checkers: Report) -> Chart:
    own = {"shardkit pack": "shardkit pack", "shardkit pack --codec zstd": "shardkit pack --codec zstd"}
    ours = [_seconds_bar(writers, f"warm: {name}", title, "ours") for name, title in own.items()]
    peers = [_writer_bar(writers, name) for name in PEERS]
    size, checked = _checked(checkers)
    return Chart(
        "Packing and verifying: shorter is better",
        "Two cores, page cache warm, seconds; peers' writers without the time of their imports, ours with it",
        (
            Panel(
                "Packing 4 000 PNGs, flushed to the disk (ours alone checks and hashes them)",
                _sorted((*ours, _seconds_bar(writers, "warm: tar -c", "tar -c"), *peers), shortest=True),
            ),
            Panel(f"Reading every byte of {size} again, to see whether it is right", _sorted(checked, shortest=True)),
        ),
        _footer(writers, checkers),
    )


def _writer_bar(report: Report, name: str) -> Bar:
    title = f"{TITLES[name]}, stores pixels" if name == FFCV else TITLES[name]
    written, whole = (report.figures.get(f"warm: {name}{more}, s") for more in (" after its imports", ""))
    if written is None or whole is None:
        return Bar(title, None, _why(report, name))
    return Bar(title, written, f"{written:.1f} s ({whole:.1f} with its imports)")


def _seconds_bar(report: Report, name: str, title: str, kind: str = "bar") -> Bar:
    taken = report.figures.get(f"{name}, s")
    return Bar(title, None, NOT_MEASURED, kind) if taken is None else Bar(title, taken, f"{taken:.2f} s", kind)


def _checked(checkers: Report) -> tuple[str, tuple[Bar, ...]]:
    """Of the largest dataset that was checked."""
    sizes = {name.partition(":")[0] for name in checkers.figures}
    size = max(sizes, key=lambda words: float(words.split()[0]))
    names = [name.partition(": ")[2].removesuffix(", s") for name in checkers.figures if name.startswith(size)]
    bars = (
        _seconds_bar(checkers, f"{size}: {name}", name, "ours" if name.startswith("shardkit") else "bar")
        for name in names
        if "/" not in name
    )
    return size, tuple(
        Bar(f"{bar.name}, nothing compared", bar.value, bar.said) if bar.name == "cat" else bar for bar in bars
    )


def _why(report: Report, name: str) -> str:
    return MISSING if name in report.missing else NOT_MEASURED


def _footer(*reports: Report) -> tuple[str, ...]:
    machines = "; ".join(dict.fromkeys(machine_line(report.machine) for report in reports))
    lines = (f"Measured on {machines}.", versions_line(reports[0]), missing_line(reports[0]))
    return tuple(filter(None, lines))


def _sorted(bars: Iterable[Bar], *, shortest: bool = False) -> tuple[Bar, ...]:
    """The best first, who is missing last."""

    def place(bar: Bar) -> tuple[bool, float]:
        return bar.value is None, (bar.value or 0.0) * (1 if shortest else -1)

    return tuple(sorted(bars, key=place))
