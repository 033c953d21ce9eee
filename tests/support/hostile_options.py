"""Manifests whose options and other terms, which hold for every generation, are absurd."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.dataset_writer import Edits, Row
from tests.support.hostile_case import ESCAPES, FORGES, LONG, Case, drop, put, shown, variants

_UNCHECKED = "what was asked for is the packer's own record, and no other file says what it must be"
TYPES: dict[str, Any] = {"null": None, "a number": 7, "a text": "x", "a list": [], "an object": {}, "true": True}

_OPTIONS: dict[str, tuple[Any, ...]] = {
    "layout": (5, "", "{subject", "../{subject}/{impression}.png", "{subject}" * 5000),
    "splits": (5, "", "train=-1,val=2", "folds=1000000000", "train=nan,val=1", ESCAPES),
    "files": (5, "x", "../victim/file"),
    "groups": (5, {}, "../victim/file"),
    "exclude": (5, [], "../victim/file"),
    "codec": (None, "exe", "auto", "zstd"),
    "color": (None, "ultraviolet", {}),
    "size": (-5, 0, 10**9, LONG, "x", 1.5, {}),
    "fit": (5, "x"),
    "enhance": (5, "x", "gabor"),
    "shard_size": (0, -1, LONG, None, "x"),
    "check": (5, "x"),
    "sha256": (None, "yes", True),
    "shape": ([10**9] * 3, ["x", {}], 5, [], {}),
    "arrays": (5, "x", [], {}, {"images": "x"}),
    "adopted": (True, 5),
    "unknown": (5, ESCAPES),
}
_TERMS: dict[str, tuple[Any, ...]] = {
    "codec": (5, "", "exe", "../victim/file", "zstd", ESCAPES, FORGES),
    "choice": (5, ESCAPES, FORGES, "x" * 1_000_000),
    "preparation": (5, [], {"size": LONG}, {"size": "x", "color": 7}, {"color_version": 999}),
}
_THRESHOLDS: tuple[Any, ...] = (
    *(5, {}, {"below": ["x"], "names": ["train", "val"]}, {"below": ["-1"], "names": ["train", "val"]}),
    *({"below": [], "names": ["train", "val"]}, {"below": ["0" * 16] * 9, "names": ["val"]}),
    *({"below": [5], "names": [5, 6]}, {"below": ["8" * 16], "names": ["../x", ESCAPES]}),
)
_SPLITTINGS: tuple[Any, ...] = ({}, 5, [], {"by": "sample"}, {"by": 5}, {"file": "x"}, {"lists": ESCAPES})


def cases(victim: Path) -> Iterator[Case]:
    yield from _options()
    yield from _terms()
    yield from _arrays(victim)


def _case(name: str, edit: Callable[[Row], None], kind: str = "tree") -> Case:
    return Case(f"options: {name}", "manifests", Edits(manifest=edit, kind=kind), verified=_UNCHECKED)


def _options() -> Iterator[Case]:
    for what, value in TYPES.items():
        yield _case(f"are {what}", put(options=value))
    for name, edit in variants(_OPTIONS, "options"):
        yield _case(name, edit)
    for name in _OPTIONS:
        yield _case(f"no {name}", drop("options", name))
    nested: Row = {}
    for depth in range(40):
        nested = {"a": nested}
        if depth in {14, 39}:
            yield _case(f"{depth} deep", put("options", layout=nested))


def _terms() -> Iterator[Case]:
    for name, edit in variants(_TERMS):
        yield _case(f"the manifest's {name}", edit)
    for value in _SPLITTINGS:
        yield _case(f"splitting {shown(value)}", put(splitting=value))
    for value in _THRESHOLDS:
        yield _case(f"thresholds {shown(value)}", put("splitting", thresholds=value))


def _arrays(victim: Path) -> Iterator[Case]:
    names = (
        *("../victim/new", str(victim / "new"), str(victim / "file"), "", ".", "..", "a/b", "a\0b", ".shardkit"),
        *(FORGES, ESCAPES, "a" * 300, 5),
    )
    types = ("|O", "|V1000000000", "x", "", "<U9", 5, "<M8[ns]", "object")
    values: dict[str, tuple[Any, ...]] = {
        "images": (*names, "labels.bin"),
        "labels": (*names[:4], "images.bin"),
        "samples": (-1, 0, 11, LONG, "x"),
        "type": (*types, "<f8"),
        "label_type": (*types[:3], "|u1"),
        "images_head": ("x", "zz", "00" * 10_000_000, 5),
        "labels_head": ("x", "zz", "6576696c", 5),
    }
    for name, edit in variants(values, "options", "arrays"):
        yield _case(f"arrays with {name}", edit, "arrays")
    for shape in ([10**9] * 3, [0], [-1, 4, 4], [1, 4, 5], ["x"], [], [2**62, 2**62], [1] * 40, None, 5):
        yield _case(f"arrays of shape {shown(shape)}", put("options", shape=shape), "arrays")
