"""Two images of one key: a layout is proposed where it helps, and only there."""

import pytest

from shardkit.pack.source.layout import suggest_layout

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
