"""The plan on disk: published before the first shard, read by whoever packs one, gone when the dataset is whole.

One row group a shard, so a task reads no more than its own; what holds for all of them is JSON in the file's metadata.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
from blake3 import blake3

from shardkit.dataset import WORKPLACE
from shardkit.errors import Mismatch
from shardkit.format.digest import rows_digest
from shardkit.format.manifest import canonical
from shardkit.format.publish import make_folder, publish
from shardkit.format.tables import parquet_file, parquet_writer, readable
from shardkit.image.extensions import Codec
from shardkit.pack.options import PackOptions
from shardkit.pack.plan import PLAN, AnyPlan, PlannedShard

_METADATA = b"shardkit"


@dataclass(frozen=True)
class Terms:
    """What holds for a whole pack, beside its rows."""

    options: Mapping[str, Any]
    """As asked for: a rerun that asks for something else is refused."""
    codec: Codec
    """What `auto` became."""
    choice: str
    splitting: Mapping[str, Any]
    versions: Mapping[str, str]
    preparation: Mapping[str, Any]
    generation: int
    by: str
    inputs: int
    """Images found, those among them that could not be planned."""

    @property
    def asked(self) -> PackOptions:
        return PackOptions.recorded(self.options)


@dataclass(frozen=True)
class PlanFile:
    path: Path
    terms: Terms
    shards: tuple[PlannedShard, ...]
    hash: str

    def rows(self, number: int, columns: list[str] | None = None) -> pa.Table:
        with readable(self.path), parquet_file(self.path) as file:
            return file.read_row_group(number, columns)

    @cached_property
    def numbers(self) -> dict[str, int]:
        return {shard.name: number for number, shard in enumerate(self.shards)}


def workplace(folder: Path) -> Path:
    return folder / WORKPLACE


def plan_path(folder: Path) -> Path:
    return workplace(folder) / "plan.parquet"


def skipped_path(folder: Path) -> Path:
    """The inputs that were left out before the plan was made."""
    return workplace(folder) / "skipped.jsonl"


def write_plan(folder: Path, plan: AnyPlan, terms: Terms) -> PlanFile:
    path = plan_path(folder)
    make_folder(path.parent)
    hasher = blake3(canonical(asdict(terms)))
    with publish(path) as file, parquet_writer(file, PLAN, statistics=False) as writer:
        for shard in plan.shards:
            rows = plan.rows(shard)
            hasher.update(f"{shard}{rows_digest(rows)}".encode())
            writer.write_table(rows, row_group_size=len(rows))
        described = {
            "terms": asdict(terms),
            "shards": [asdict(each) for each in plan.shards],
            "hash": hasher.hexdigest(),
        }
        writer.add_key_value_metadata({_METADATA: canonical(described)})
    return read_plan(folder)


def read_plan(folder: Path) -> PlanFile:
    path = plan_path(folder)
    with readable(path), parquet_file(path) as file:
        described = json.loads(file.metadata.metadata[_METADATA])
    shards = tuple(PlannedShard(**each) for each in described["shards"])
    return PlanFile(path, Terms(**described["terms"]), shards, described["hash"])


def refuse_other_options(there: Mapping[str, Any], asked: PackOptions, folder: Path) -> None:
    """Bytes of two minds must never meet in one dataset."""
    wanted = asked.record()
    differing = [name for name in wanted if there.get(name) != wanted[name]]
    if differing == ["arrays"]:
        raise Mismatch(
            f"{folder}: was begun with other arrays than are there now. Bring them back as they were, add --replan to "
            "start over, or name another folder."
        )
    if differing:
        name = differing[0]
        raise Mismatch(
            f"{folder}: was begun with {_option(name)} {there.get(name)}, and now {wanted[name]} is asked for. "
            "Run the command as it was run first, add --replan to start over, or name another folder."
        )


def _option(name: str) -> str:
    return "--" + {"splits": "split"}.get(name, name).replace("_", "-")
