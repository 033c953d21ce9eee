"""Fewer points for the same picture: of many neighbours the lowest and the highest stay, so that no spike is lost."""

from collections.abc import Iterator, Sequence

Point = tuple[float, float]


def thinned(points: Sequence[Point], most: int) -> list[Point]:
    """`most` points at most; all of them where there are no more."""
    if len(points) <= most:
        return list(points)
    return [point for bucket in _buckets(points, most // 2) for point in _extremes(bucket)]


def _buckets(points: Sequence[Point], count: int) -> Iterator[Sequence[Point]]:
    for number in range(count):
        yield points[number * len(points) // count : (number + 1) * len(points) // count]


def _extremes(bucket: Sequence[Point]) -> list[Point]:
    """In the order in which they came."""
    heights = [point[1] for point in bucket]
    places = {heights.index(min(heights)), heights.index(max(heights))}
    return [bucket[place] for place in sorted(places)]
