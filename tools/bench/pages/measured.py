"""The measured rows of the table, as numbers: ratios alone, since only they mean something on another machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pages.names import FFCV, FOLDER, PEERS, SHARDKIT, TIMES, TITLES, WEBDATASET, figure
from pages.reports import Report, Reports

CODECS = ("zstd", "lz4", "raw")
PNG = "png"


@dataclass(frozen=True)
class Row:
    name: str
    ratios: Mapping[str, Mapping[str, float]]
    """By loader, then by what of it was measured: a codec, or nothing where there is but one way."""
    missing: frozenset[str]
    """Who would have a ratio, had it been installed."""

    def flat(self) -> dict[str, float]:
        return {
            f"{self.name}: {f'{TITLES[loader]} {way}'.strip()}": ratio
            for loader, ways in self.ratios.items()
            for way, ratio in ways.items()
        }


Value = Callable[[str], float | None]


def rows(reports: Reports) -> list[Row]:
    made: list[Row] = []
    if readers := reports.get("readers"):
        speed, size = _of(readers, "{}, samples a second"), _of(readers, "{}, MB")
        decoders = {name: {"": figure(name)} for name in TITLES if name not in (SHARDKIT, FFCV)}
        stored: dict[str, dict[str, str]] = {SHARDKIT: {codec: codec for codec in CODECS}, FFCV: {"raw": FFCV}}
        everyone = {SHARDKIT: {codec: codec for codec in (PNG, *CODECS)}, **decoders, FFCV: {"raw": FFCV}}
        made += [
            _row(
                f"PNGs decoded, samples/s, {TIMES} webdataset",
                speed,
                {SHARDKIT: {PNG: PNG}} | decoders,
                WEBDATASET,
                readers,
            ),
            _row(f"pixels stored, samples/s, {TIMES} webdataset", speed, stored, WEBDATASET, readers),
            _row(f"bytes on disk, {TIMES} the folder", size, everyone, figure(FOLDER), readers),
        ]
    if overhead := reports.get("overhead"):
        copiers = {name: {"": figure(name)} for name in TITLES if name != FFCV}
        speed = _of(overhead, "{}, samples a second")
        made.append(_row(f"4 KiB a sample, nothing decoded, {TIMES} webdataset", speed, copiers, WEBDATASET, overhead))
    if writers := reports.get("writers"):
        own = {PNG: "shardkit pack", "zstd": "shardkit pack --codec zstd"}
        ways = {SHARDKIT: own} | {name: {"": f"{name} after its imports"} for name in PEERS}
        made.append(_row(f"packing, seconds, {TIMES} `tar -c`", _of(writers, "warm: {}, s"), ways, "tar -c", writers))
    return made


def _of(report: Report, words: str) -> Value:
    return lambda name: report.figures.get(words.format(name))


def _row(name: str, value: Value, ways: Mapping[str, Mapping[str, str]], beside: str, report: Report) -> Row:
    one = value(beside)
    ratios = {
        loader: {way: there / one for way, each in each_way.items() if one and (there := value(each)) is not None}
        for loader, each_way in ways.items()
    }
    return Row(name, {loader: found for loader, found in ratios.items() if found}, frozenset(report.missing) & {*ways})
