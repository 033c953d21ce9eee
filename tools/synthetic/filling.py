"""Filling a tree: what is missing in it is made, whatever was there before."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from shardkit.cli.progress import ProgressDisplay, show_progress
from synthetic import space
from synthetic.recipe import Recipe, claimed, recipe_before
from synthetic.tree import SUBJECTS_PER_BATCH, Tree
from synthetic.workers import each

# Enough samples to be worth making their subject, few enough that the workers end together.
SAMPLES_A_TASK = 16

GROWING = ("subjects", "samples")


class Task(NamedTuple):
    subject: int
    numbers: list[int]


@dataclass(frozen=True, kw_only=True)
class Product:
    """What a tool puts into a tree: its name and version, its options, and what a sample takes on the disk."""

    maker: str
    # Raised with any change to what a seed draws: a tree must not be a mixture of two versions.
    version: int
    options: Recipe
    sample_bytes: int
    sample_files: int


def fill(
    tree: Tree,
    product: Product,
    make: Callable[[Task], Iterable[int]],
    publish_ledgers: Callable[[], None],
    workers: int,
) -> None:
    """Make every sample that is missing; `make` yields the number of each as soon as it is published.

    The ledgers, which say who is who, are published first: so they never know less than the tree shows.
    """
    recipe = _recipe(tree, product)
    _require_space(tree, product, recipe_before(tree.out, recipe, growing=GROWING))
    with claimed(tree.out, recipe, growing=GROWING):
        publish_ledgers()
        with show_progress("images", tree.subjects * tree.samples) as shown:
            for _ in each(make, _missing(tree, shown), workers):
                shown.advance()


def _recipe(tree: Tree, product: Product) -> Recipe:
    return {
        "maker": product.maker,
        "version": product.version,
        "subjects": tree.subjects,
        "samples": tree.samples,
        "seed": tree.seed,
        "layout": tree.layout.template,
        **product.options,
    }


def _require_space(tree: Tree, product: Product, before: Recipe | None) -> None:
    """Room for what is asked for beyond an earlier run; how far that one came is seen on the way."""
    subjects, samples = (before[count] if before else 0 for count in GROWING)
    assert isinstance(subjects, int), "a recipe that could go on was checked"
    assert isinstance(samples, int), "likewise"
    new = tree.subjects * tree.samples - subjects * samples
    folders = tree.subjects - subjects + tree.subjects // SUBJECTS_PER_BATCH
    space.require(tree.out, new * product.sample_bytes, new * product.sample_files + folders)


def _missing(tree: Tree, shown: ProgressDisplay) -> Iterator[Task]:
    """The tasks that are left: a sample is there when its PNG is, since its sidecars are published before."""
    for subject in range(tree.subjects):
        numbers = [number for number in range(tree.samples) if not tree.path(subject, number).exists()]
        if len(numbers) < tree.samples:
            shown.skip(tree.samples - len(numbers))
        for first in range(0, len(numbers), SAMPLES_A_TASK):
            yield Task(subject, numbers[first : first + SAMPLES_A_TASK])
