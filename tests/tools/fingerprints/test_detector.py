import numpy as np

from synthetic.fingerprints.detector import crossing_number, thinned, without_spurs


def drawn(*lines: str) -> np.ndarray:
    return np.array([[mark == "#" for mark in line] for line in lines])


def test_a_bar_is_thinned_to_a_line() -> None:
    bar = np.zeros((11, 30), bool)
    bar[3:8, 4:26] = True
    line = thinned(bar)
    assert line.sum(axis=0).max() == 1
    assert 15 <= line.sum() <= 22


def test_thinning_keeps_a_ring_closed() -> None:
    rows, columns = np.indices((40, 40))
    ring = thinned(abs(np.hypot(rows - 20, columns - 20) - 12) < 3)
    assert set(crossing_number(ring)[ring]) == {2}


def test_crossing_numbers_name_endings_and_forks() -> None:
    fork = drawn(
        "..........",
        ".#......#.",
        "..#....#..",
        "...#..#...",
        "....##....",
        "....#.....",
        "....#.....",
        "....#.....",
        "..........",
    )
    crossings = crossing_number(thinned(fork))
    assert (crossings == 1).sum() == 3
    assert (crossings == 3).sum() == 1


def test_a_short_branch_goes_and_the_line_stays() -> None:
    line = np.zeros((20, 40), bool)
    line[10, 4:36] = True
    with_burr = line.copy()
    with_burr[8:10, 20] = True
    assert np.array_equal(without_spurs(with_burr), line)
