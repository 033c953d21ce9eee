"""The page and its list: self-contained, nothing in a name is markup, and the list is one that pack reads."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.evaluation.hard_cases_page import (
    MAX_IMAGE_SIDE,
    HardCases,
    PageImage,
    ShownPair,
    SuspectedMislabel,
    format_exclusion,
    render_page,
    sample_to_png,
    write_hard_cases,
)

ODD = PageImage("<b>&/01", "g", b"one")

OTHER = PageImage("c/02", "g", b"other")

DOUBT = SuspectedMislabel(ODD, "<b>&", 0.25, "c", 0.5)


def cases(doubted: list[SuspectedMislabel]) -> HardCases:
    return HardCases("Hard cases of <val>", [ShownPair(-0.125, ODD, OTHER)], [ShownPair(0.75, OTHER, ODD)], doubted)


class Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"meta", "img"}:
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_needs_nothing_else() -> None:
    read = Balanced()
    read.feed(render_page(cases([DOUBT])))

    assert read.open == []
    assert len(read.sources) == 5
    assert all(each.startswith("data:image/png;base64,") for each in read.sources)
    assert "http" not in render_page(cases([DOUBT]))


def test_scores_and_names_are_told_as_they_are() -> None:
    text = render_page(cases([DOUBT]))

    assert "-0.1250" in text
    assert "0.7500" in text
    assert "&lt;b&gt;&amp;/01" in text
    assert "<b>&/01" not in text
    assert text.count("both of group g") == 2
    assert "There are none" not in text
    assert "There are none" in render_page(cases([]))


def test_the_list_has_a_key_a_line_and_why_in_comments() -> None:
    lines = format_exclusion([DOUBT, SuspectedMislabel(OTHER, "c", 0.0, "d", 0.1)]).splitlines()
    assert [each for each in lines if each and not each.startswith("#")] == ["<b>&/01", "c/02"]
    assert "a margin of 0.250" in lines[lines.index("<b>&/01") - 1]


def test_both_appear_in_a_folder_that_is_made(tmp_path: Path) -> None:
    write_hard_cases(tmp_path / "new" / "cases", cases([DOUBT]))

    assert sorted(each.name for each in (tmp_path / "new" / "cases").iterdir()) == ["exclude.txt", "index.html"]
    assert re.match("<!doctype html>", (tmp_path / "new" / "cases" / "index.html").read_text())


def shown(values: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    np.save(file, values)
    found = cv2.imdecode(np.frombuffer(sample_to_png("npy", file.getvalue()), np.uint8), cv2.IMREAD_UNCHANGED)
    assert found is not None
    return found


@pytest.mark.parametrize("shape", [(7, 5), (4, 6, 3), (1, 1)])
def test_a_small_one_stays_as_it_is(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    pixels.flat[0] = 255
    found = shown(pixels)
    assert np.array_equal(found[..., ::-1] if found.ndim == 3 else found, pixels)


def test_a_large_one_is_averaged() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2 * MAX_IMAGE_SIDE, MAX_IMAGE_SIDE + 1)).astype(np.uint8)
    found = shown(pixels)
    assert found.shape == (MAX_IMAGE_SIDE, MAX_IMAGE_SIDE // 2)
    assert abs(int(found[3, 5]) - pixels[6:8, 10:12].mean()) <= 0.5


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deeper_ones_are_stretched(dtype: type) -> None:
    assert shown(np.array([[0, 500], [250, 1000]], dtype)).tolist() == [[0, 128], [64, 255]]


@pytest.mark.parametrize("shape", [(4, 6, 4), (4, 6, 2), (4, 6, 7)])
def test_other_layers_are_left_out(shape: tuple[int, ...]) -> None:
    assert shown(np.full(shape, 9, np.uint8)).shape[:2] == (4, 6)
