"""A chart of horizontal bars as SVG: pure, readable on light and dark pages, without any library.

Every panel begins at zero, and its longest bar is as long as there is room; so lengths compare within a panel. It has a
background of its own: a picture in a page sees what the system prefers, and not what colour the page has.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, PAD = 820, 24
NAMES, BARS = 232, 330
ROW, BAR = 24, 15
FOOTER = 16
LETTERS = 112  # of the footer, in a line

STYLE = """
 svg{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:13px}
 .page{fill:#fff;stroke:#d1d9e0} text{fill:#1f2328} .soft{fill:#59636e;font-size:11.5px}
 .title{font-size:17px;font-weight:600}
 .panel{font-weight:600} .bar{fill:#9aa4b2} .ours{fill:#0a7d5a} .limit{fill:none;stroke:#9aa4b2;stroke-dasharray:4 3}
 .bold{font-weight:600} .axis{stroke:#d1d9e0}
 @media (prefers-color-scheme:dark){.page{fill:#0d1117;stroke:#3d444d} text{fill:#f0f6fc} .soft{fill:#9198a1}
 .bar{fill:#6e7681} .ours{fill:#2fbf8f} .limit{stroke:#6e7681} .axis{stroke:#3d444d}}
""".strip("\n")


@dataclass(frozen=True)
class Bar:
    name: str
    value: float | None
    """Nothing: it is missing, and `said` says so."""
    said: str
    kind: str = "bar"
    """Or `ours`, or `limit`, which nobody can pass."""


@dataclass(frozen=True)
class Panel:
    title: str
    bars: tuple[Bar, ...]

    @property
    def longest(self) -> float:
        return max((bar.value for bar in self.bars if bar.value), default=1.0)


@dataclass(frozen=True)
class Chart:
    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    footer: tuple[str, ...]


def svg(chart: Chart) -> str:
    drawn: list[str] = []
    height = PAD + 16
    drawn += [_text(PAD, height, chart.title, "title"), _text(PAD, height + 22, chart.subtitle, "soft")]
    height += 22
    for panel in chart.panels:
        height += 34
        drawn += [_text(PAD, height, panel.title, "panel"), *_bars(panel, height + 10)]
        height += 10 + ROW * len(panel.bars)
    height += 10
    for line in (part for whole in chart.footer for part in _folded(whole)):
        height += FOOTER
        drawn.append(_text(PAD, height, line, "soft"))
    return _document(chart.title, height + PAD - 6, drawn)


def _document(title: str, height: float, drawn: list[str]) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">'
    )
    page = f'<rect class="page" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>'
    return "\n".join([head, f"<style>\n{STYLE}\n</style>", page, *drawn, "</svg>"]) + "\n"


def _bars(panel: Panel, top: float) -> Iterator[str]:
    left = PAD + NAMES
    yield f'<line class="axis" x1="{left}" x2="{left}" y1="{top}" y2="{top + ROW * len(panel.bars)}"/>'
    for number, bar in enumerate(panel.bars):
        middle = top + ROW * number + ROW / 2
        length = BARS * (bar.value or 0) / panel.longest
        bold = "bold" if bar.kind == "ours" else "soft" if bar.value is None else ""
        yield _text(left - 10, middle + 4.5, bar.name, bold, "end")
        if bar.value is not None:
            place = f'x="{left}" y="{middle - BAR / 2:g}" width="{length:.1f}" height="{BAR}"'
            yield f'<rect class="{bar.kind}" {place} rx="2"/>'
        yield _text(left + length + 8, middle + 4.5, bar.said, bold)


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "") -> str:
    kinds = f' class="{kind}"' if kind else ""
    anchors = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.4g}" y="{y:g}"{kinds}{anchors}>{escape(words)}</text>'


def _folded(words: str) -> Iterator[str]:
    """Between items of a list: a version stays beside its name."""
    line = ""
    for item in words.split(", "):
        if line and len(line) + len(item) >= LETTERS:
            yield f"{line},"
            line = ""
        line = f"{line}, {item}" if line else item
    if line:
        yield line
