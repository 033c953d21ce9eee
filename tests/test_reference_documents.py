"""docs/python.md has every public name, docs/exit-codes.md every code and exception."""

import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import shardkit
import shardkit.errors
import trainer.errors
from shardkit.reader.dataset import Dataset, Split
from shardkit.reader.shard import Record
from shardkit.schema import Member, Sample, Shard, Subject, Totals
from shardkit.stream.collate.bad_samples import BadSample
from shardkit.stream.collate.batch import Batch
from shardkit.stream.description import Description
from shardkit.stream.order.options import EpochCounts

DOCS = Path(__file__).parents[1] / "docs"
PYTHON, CODES = (DOCS / "python.md").read_text(), (DOCS / "exit-codes.md").read_text()
STANDING = {"shardkit": {0, 3, 130, 143}, "trainer": {0, 1, 4, 7, 130, 143}}
"""Codes that no exception of that package stands for."""

KINDS = [Dataset, Split, Record, Sample, Member, Shard, Subject, Totals, shardkit.StreamingDataset, Batch, Description]


def test_every_public_name_is_there() -> None:
    assert {*re.findall(r"`shardkit\.(\w+)`", PYTHON)} >= {*shardkit.__all__}


@pytest.mark.parametrize("kind", [*KINDS, EpochCounts, BadSample], ids=lambda kind: kind.__name__)
def test_every_attribute_is_there(kind: type) -> None:
    own = {name for each in kind.__mro__ if each.__module__.startswith("shardkit") for name in vars(each)}
    own |= {each.name for each in fields(kind)} if is_dataclass(kind) else set()
    public = {name for name in own if not name.startswith("_")}
    assert public - {*re.findall(r"`(\w+)(?:\(.*?\))?`", PYTHON)} == set()


@pytest.mark.parametrize("name", ["open", "decode", "publish"])
def test_a_function_is_called_as_is_told(name: str) -> None:
    (told,) = {*re.findall(rf"^`shardkit\.{name}\((.*?)\)` ", PYTHON, re.MULTILINE)}
    given = [each.partition("=")[0] for each in told.split(", ")]
    assert given == list(inspect.signature(getattr(shardkit, name)).parameters)


@pytest.mark.parametrize("module", [shardkit.errors, trainer.errors], ids=lambda module: module.__name__)
def test_every_exception_stands_beside_its_code(module: object) -> None:
    package = str(getattr(module, "__name__", "")).partition(".")[0]
    rows = re.findall(r"^\| ([\d, ]+) \|.*\| (?:`(\w+)`)? ?\|$", _section(package), re.MULTILINE)
    told = {name: code for code, name in rows if name}
    own = {
        each.__name__: str(getattr(each, "exit_code", "130, 143"))
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__  # type: ignore[attr-defined]
    }
    assert told == own
    numbers = {int(each) for codes, _ in rows for each in codes.split(", ")}
    assert numbers == STANDING[package] | {int(code) for code in own.values() if code.isdigit()}


def _section(package: str) -> str:
    return CODES.partition(f"\n## {package}\n")[2].partition("\n## ")[0]
