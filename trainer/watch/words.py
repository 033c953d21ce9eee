"""Figures as people say them."""

from math import floor, log10

_THOUSAND = 1000
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_PLAIN = (1e-3, 1e3)


def size(count: float) -> str:
    """Bytes: 640 B, 52.4 MB."""
    value, units = float(count), iter(("B", "kB", "MB", "GB", "TB"))
    unit = next(units)
    while value >= _THOUSAND and (larger := next(units, None)):
        value, unit = value / _THOUSAND, larger
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def duration(seconds: float) -> str:
    """45 s, 6 min, 3 h 20 min, 2 d 4 h."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return _two(round(seconds / _MINUTE), 60, "h", "min")
    return _two(round(seconds / _HOUR), 24, "d", "h")


def rate(share: float, counted: int) -> str:
    """A share of so many pairs or samples, without digits that less than one of them would change."""
    return percent(share, digits_of(counted))


def digits_of(counted: int) -> int:
    """Of per cents; two at most."""
    return min(2, max(0, floor(log10(max(counted, 1) / 100))))


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def figure(value: float) -> str:
    """A loss, for example: three decimals, as long as they say something."""
    return f"{value:.3f}" if value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1] else f"{value:.2e}"


def count(number: int, noun: str) -> str:
    """1 subject, 400 subjects."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _two(small: int, factor: int, larger_unit: str, small_unit: str) -> str:
    large, rest = divmod(small, factor)
    return f"{large} {larger_unit} {rest} {small_unit}" if rest else f"{large} {larger_unit}"
