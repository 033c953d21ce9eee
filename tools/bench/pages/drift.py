"""How figures that were measured now differ from those that the page shows. Pure: lines from reports."""

from collections.abc import Iterator, Mapping
from statistics import median

from pages.measured import rows
from pages.reports import Reports, machine_line


def drift(kept: Reports, now: Reports) -> Iterator[str]:
    """README's ratios one by one, then for every script how far its figures are from the kept ones."""
    yield from _readme(kept, now)
    both = [name for name in now if name in kept]
    if both:
        yield ""
        yield "All figures, against those in docs/measured:"
    for name in both:
        yield f"  {name:<14}{_of_script(kept[name].figures, now[name].figures)}{_elsewhere(kept, now, name)}"
    if alone := [name for name in now if name not in kept]:
        yield f"Measured, and none kept to compare with: {', '.join(alone)}"
    if left := [name for name in kept if name not in now]:
        yield f"Kept, and not measured now: {', '.join(left)}"


def _readme(kept: Reports, now: Reports) -> Iterator[str]:
    before, behind = _ratios(kept), _ratios(now)
    both = [name for name in before if name in behind]
    if not both:
        yield "None of README's ratios were both measured now and kept."
        return
    width = max(map(len, both))
    yield f"{'README':<{width}}  {'kept':>7}  {'now':>7}"
    yield from (
        f"{name:<{width}}  {before[name]:>7.2f}  {behind[name]:>7.2f}  {_change(before[name], behind[name]):>+5.0f} %"
        for name in both
    )
    yield from (f"{name:<{width}}  {before[name]:>7.2f}  not reproduced" for name in before if name not in behind)


def _ratios(reports: Reports) -> dict[str, float]:
    return {name: ratio for row in rows(reports) for name, ratio in row.flat().items()}


def _of_script(kept: Mapping[str, float], now: Mapping[str, float]) -> str:
    changes = {name: _change(kept[name], now[name]) for name in kept if now.get(name) is not None and kept[name]}
    if not changes:
        return "no figure of the same name"
    furthest = max(changes, key=lambda name: abs(changes[name]))
    middle = median(map(abs, changes.values()))
    return f"{len(changes)} of {len(kept)}, half within {middle:.0f} %, furthest {changes[furthest]:+.0f} %: {furthest}"


def _elsewhere(kept: Reports, now: Reports, name: str) -> str:
    before, behind = (machine_line(each[name].machine) for each in (kept, now))
    return "" if before == behind else f" (kept from {before})"


def _change(before: float, behind: float) -> float:
    return 100 * (behind / before - 1) if before else 0.0
