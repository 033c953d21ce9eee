"""A template reads subject and impression from a path, so that the path can be told back from both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shardkit.errors import UsageError
from shardkit.format.keys import decode_name
from shardkit.pack.source.layout import EXAMPLE_LAYOUT, Layout, suggest_layout

PARTS = st.binary(min_size=1, max_size=12).map(lambda part: part.replace(b"/", b"\n"))

TEMPLATES = st.sampled_from(
    [
        "{subject}/{impression}.png",
        "subject_{subject}/impression_{impression}.png",
        "{subject}_{impression}.png",
        "{impression}/a.b {subject}~é.png",
        "{subject}/{subject}-{impression}.PNG",
    ]
)


def filled(template: str, subject: bytes, impression: bytes) -> bytes:
    return template.encode().replace(b"{subject}", subject).replace(b"{impression}", impression)


@given(TEMPLATES, PARTS, PARTS)
def test_the_path_can_be_told_back(template: str, subject: bytes, impression: bytes) -> None:
    path = filled(template, subject, impression.replace(b"{", b"("))

    matched = Layout.parse(template).match(path)

    assert matched is not None
    assert filled(template, *map(decode_name, matched)).lower() == path.lower()


@given(TEMPLATES, st.sets(st.tuples(PARTS, PARTS), max_size=8))
def test_distinct_paths_have_distinct_keys(template: str, names: set[tuple[bytes, bytes]]) -> None:
    paths = {filled(template, *both) for both in names}

    assert len({Layout.parse(template).match(path) for path in paths}) == len(paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"batch_00000/subject_000123/impression_04.png", ("000123", "04")),
        (b"batch_x/subject_left.hand/impression_4 .PNG", ("left%2Ehand", "4 ")),
        (b"batch_0/subject_a\n\x1b[31m/impression_\xff.png", ("a%0A%1B[31m", "%FF")),
        (b"batch_0/subject_1/impression_.png", None),
        (b"batch_0/subject_1/sub/impression_1.png", None),
        (b"x/batch_0/subject_1/impression_1.png", None),
        (b"batch_0/subject_1/impression_1.png\n", None),
        (b"batch_0/subject_1/impression_1xpng", None),
        (b"Batch_0/subject_1/impression_1.png", None),
    ],
)
def test_the_trees_of_our_tools(path: bytes, expected: tuple[str, str] | None) -> None:
    assert Layout.parse(EXAMPLE_LAYOUT).match(path) == expected


def test_the_field_further_left_is_the_longer_one() -> None:
    assert Layout.parse("{subject}_{impression}.png").match(b"left_thumb_04.png") == ("left_thumb", "04")


def test_a_field_that_comes_again_stands_for_the_same() -> None:
    layout = Layout.parse("{subject}/{subject}_{impression}.png")

    assert layout.match(b"7/7_1.png") == ("7", "1")
    assert layout.match(b"7/8_1.png") is None


def test_what_stands_for_anything_may_differ() -> None:
    assert Layout.parse("{_}/{subject}/{_}-{impression}.png").match(b"a/7/b-1.png") == ("7", "1")


def test_a_template_that_is_no_utf8() -> None:
    assert Layout.parse("\udcff{subject}/{impression}.png").match(b"\xff7/1.png") == ("7", "1")


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{batch}/{impression}.png", r"has no \{subject\}, only \{batch\}"),
        ("{subject}.png", r"has no \{impression\}\."),
        ("{subjct}/{impression}.png", r"has no \{subject\}, only \{subjct\}"),
        ("{subject:06}/{impression}.png", r"has the field \{subject:06\}: between braces stands a plain name"),
        ("{}/{subject}/{impression}.png", r"has the field \{\}"),
        ("{subject}{impression}.png", "must have something between two fields"),
        ("{subject/{impression}.png", "has a brace that belongs to no field"),
        ("{{subject}}/{impression}.png", "has a brace"),
        ("{subject}/{impression}", r"must end in \.png"),
        ("{subject}/{impression}.jpg", r"must end in \.png"),
        ("/{subject}/{impression}.png", "must be a path below"),
        ("../{subject}/{impression}.png", "must be a path below"),
        ("./{subject}//{impression}.png", "must be a path below"),
    ],
)
def test_a_template_that_cannot_be_meant(template: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        Layout.parse(template)

    assert "For example --layout 'batch_{batch}/subject_{subject}/impression_{impression}.png'" in str(caught.value)


GENERAL = "Tell them apart with --layout, or remove one of them."


@pytest.mark.parametrize(
    ("key", "sources", "said"),
    [
        ("x/0", ["a/s1/x/0.png", "a/s2/x/0.png", "a/s2/x/1.png"], "--layout '{_}/{subject}/{_}/{impression}.png'"),
        ("c/0", ["train/c/0.png", "val/c/0.png"], "'train' and 'val' look like splits"),
        ("c/0", ["x/Train/c/0.png", "x/Test/c/0.png"], "'Test' and 'Train' below 'x' look like splits"),
        ("7/0", ["b0/7/0.png", "b1/7/0.png", "b1/8/0.png"], GENERAL),  # the folders on top are no subjects
        ("b/1", ["b/1.png", "else/b/1.png"], GENERAL),
        ("listed/1", ["a/1.png", "b/1.png"], GENERAL),  # by a list
        ("b/1", ["b/1.png", "b/1.PNG"], GENERAL),
    ],
)
def test_what_is_proposed_tells_all_images_apart(key: str, sources: list[str], said: str) -> None:
    paths = [each.encode() for each in sources]
    assert said in suggest_layout(key, paths[0], paths[1], paths)
