"""A folder holds what one recipe makes, and no mixture."""

import json
from pathlib import Path

import pytest

from shardkit.errors import Locked, Mismatch, UsageError
from shardkit.storage.atomic import temp_path
from synthetic.recipe import RECIPE_FILE, Recipe, claimed

RECIPE: Recipe = {"maker": "make_things", "seed": 7, "size": [400, 320], "subjects": 10}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data" / "things"


def claim(out: Path, recipe: Recipe) -> None:
    with claimed(out, recipe, growing=("subjects",)):
        pass


def written(out: Path) -> object:
    return json.loads((out / RECIPE_FILE).read_bytes())


def test_a_new_folder_starts_with_its_recipe(out: Path) -> None:
    with claimed(out, RECIPE):
        assert written(out) == RECIPE


def test_an_empty_folder_is_taken_and_a_killed_first_run_is_no_hindrance(out: Path) -> None:
    out.mkdir(parents=True)
    temp_path(out / RECIPE_FILE).touch()
    claim(out, RECIPE)

    assert [entry.name for entry in out.iterdir()] == [RECIPE_FILE]


def test_the_same_recipe_goes_on_and_writes_nothing(out: Path) -> None:
    claim(out, RECIPE)
    before = (out / RECIPE_FILE).stat()
    (out / "sample.png").touch()
    claim(out, RECIPE)

    after = (out / RECIPE_FILE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_growing_count_may_grow(out: Path) -> None:
    claim(out, RECIPE)
    claim(out, RECIPE | {"subjects": 11})

    assert written(out) == RECIPE | {"subjects": 11}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"subjects": 9}, "was begun with more: subjects = 10, and 9 is asked for"),
        ({"seed": 8}, "was made with seed = 7, and 8 is asked for"),
        ({"size": [320, 400]}, r"was made with size = \[400, 320\], and \[320, 400\] is asked for"),
        ({"maker": "make_others"}, "was made with maker = make_things, and make_others is asked for"),
        ({"cheap": True}, "was made with cheap = None, and True is asked for"),
        ({"subjects": 11, "seed": 8}, "was made with seed = 7"),
    ],
)
def test_another_recipe_is_refused_and_changes_nothing(out: Path, change: Recipe, sentence: str) -> None:
    claim(out, RECIPE)

    with pytest.raises(Mismatch, match=sentence):
        claim(out, RECIPE | change)

    assert written(out) == RECIPE


def test_a_count_that_is_not_named_may_not_grow(out: Path) -> None:
    claim(out, RECIPE)

    with pytest.raises(Mismatch, match="subjects = 10, and 11"), claimed(out, RECIPE | {"subjects": 11}):
        pass


@pytest.mark.parametrize("content", [b"", b'{"maker": "make_th', b"[]", b"null", b"\xff"])
def test_a_damaged_recipe_is_refused(out: Path, content: bytes) -> None:
    claim(out, RECIPE)
    (out / RECIPE_FILE).write_bytes(content)

    with pytest.raises(Mismatch, match=r"recipe.json is damaged"):
        claim(out, RECIPE)

    assert (out / RECIPE_FILE).read_bytes() == content


def test_a_folder_of_somebody_else_is_left_alone(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "holiday.jpg").touch()

    with pytest.raises(UsageError, match="is not empty and was not made by this tool"):
        claim(out, RECIPE)

    assert [entry.name for entry in out.iterdir()] == ["holiday.jpg"]


def test_a_file_is_no_folder(out: Path) -> None:
    out.parent.mkdir()
    out.touch()

    with pytest.raises(UsageError, match="File exists"):
        claim(out, RECIPE)


def test_two_runs_at_a_time_are_one_too_many(out: Path) -> None:
    with claimed(out, RECIPE), pytest.raises(Locked):
        claim(out, RECIPE)
