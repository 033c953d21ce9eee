"""The folder that a tool fills, and the recipe that says what belongs into it.

`recipe.json` is published before anything else. A second run with the same recipe goes on where the first stopped; one
that asks for more of the same adds to it; any other recipe is refused, since the folder would then hold a mixture.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shardkit.errors import Mismatch, UsageError
from shardkit.storage.atomic import make_folder, publish_bytes
from shardkit.storage.errors import os_errors
from shardkit.storage.lock import lock_folder

RECIPE_FILE = "recipe.json"
Recipe = dict[str, object]


@contextmanager
def claimed(out: Path, recipe: Recipe, *, growing: tuple[str, ...] = ()) -> Iterator[None]:
    """Hold `out` for this recipe alone; counts named in `growing` may be larger than in an earlier run."""
    make_folder(out)
    with lock_folder(out, ".recipe.lock"):
        if recipe_before(out, recipe, growing=growing) != recipe:
            publish_bytes(out / RECIPE_FILE, (json.dumps(recipe, indent=1) + "\n").encode())
        yield


def recipe_before(out: Path, recipe: Recipe, *, growing: tuple[str, ...] = ()) -> Recipe | None:
    """The recipe that `out` has already, None where there is nothing; an error where `recipe` cannot go on from it."""
    with os_errors(out):
        if not out.exists():
            return None
        before = _read(out)
    if before is not None:
        _check_same(out, before, recipe, growing)
    return before


def _read(out: Path) -> Recipe | None:
    file = out / RECIPE_FILE
    if not file.exists():
        if any(not entry.name.startswith(".") for entry in out.iterdir()):
            raise UsageError(f"{out} is not empty and was not made by this tool. Name a new or an empty folder.")
        return None
    with os_errors(file):
        content = file.read_bytes()
    try:
        recipe = json.loads(content)
    except ValueError:
        recipe = None
    if not isinstance(recipe, dict):
        raise Mismatch(f"{file} is damaged, so what belongs here is unknown. Name another folder.")
    return recipe


def _check_same(out: Path, before: Recipe, recipe: Recipe, growing: tuple[str, ...]) -> None:
    # In the recipe's own order, which begins with what tells most: the tool that made it.
    for name in dict.fromkeys([*recipe, *before]):
        there, asked = before.get(name), recipe.get(name)
        if there == asked:
            continue
        if name in growing and isinstance(there, int) and isinstance(asked, int):
            if asked > there:
                continue
            raise Mismatch(
                f"{out} was begun with more: {name} = {there}, and {asked} is asked for. Name another folder."
            )
        raise Mismatch(
            f"{out} was made with {name} = {there}, and {asked} is asked for. "
            "Use the same options to go on, or name another folder."
        )
