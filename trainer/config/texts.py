"""The help of every setting, where it is written down once: in the text below its field in `sections.py`.

Python forgets those texts when it runs the file, so they are read from its source.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import get_type_hints

from trainer.config import sections


@cache
def help_of() -> Mapping[str, str]:
    """By full name; a field whose name says it all has none."""
    classes = {
        each.name: each for each in ast.parse(inspect.getsource(sections)).body if isinstance(each, ast.ClassDef)
    }
    return {
        f"{section}.{key}": text
        for section, kind in get_type_hints(sections.Config).items()
        for key, text in _texts(classes[kind.__name__])
    }


def _texts(section: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(section.body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(below.value.value).split())
