"""Workspace `.shardkit` of a dataset: the files of a command until its work is committed.

    lock              held by the command that writes
    plan.parquet      plan of an unfinished pack or append
    skipped.jsonl     inputs that were skipped before the plan was made
    parts/            receipts of finished shards
    making/           locks of the shards that are being packed
    adopted/          receipts of tars that were indexed for adoption
    removal/          files of a removal; its manifest is the commit
    removal.json      record of a removal until it is reported: it stays when the others go
    quarantine.jsonl  samples whose bytes are lost: it stays when the others go

Everything here is data from an untrusted source, like the dataset.
"""

from pathlib import Path

from shardkit.errors import advised
from shardkit.format.generation import is_dataset_file
from shardkit.schema import MANIFEST, WORKPLACE
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.lock import LOCK

PLAN = f"{WORKPLACE}/plan.parquet"
SKIPPED = f"{WORKPLACE}/skipped.jsonl"
PARTS = f"{WORKPLACE}/parts"
ADOPTED = f"{WORKPLACE}/adopted"
REMOVAL = f"{WORKPLACE}/removal"
REMOVAL_RECORD = f"{WORKPLACE}/removal.json"
QUARANTINE = f"{WORKPLACE}/quarantine.jsonl"

STAYING = {LOCK, QUARANTINE, REMOVAL_RECORD}


def part_name(shard: str) -> str:
    return f"{PARTS}/{shard}.parquet"


def making_lock(shard: str) -> str:
    return f"{WORKPLACE}/making/{shard}"


def advise_after_damaged_plan(folder: Path) -> str:
    command = "append" if DatasetFolder(folder).exists(MANIFEST) else "pack"
    return f"Start the unfinished {command} over with {advised(f'{command} --replan SRC', folder)}."


def advise_after_damaged_removal(folder: Path) -> str:
    """Shards that the removal had replaced are restored from the source; new files that it had moved are left over."""
    repair = advised("repair --source SRC", folder)
    return (
        f"Move the folder {REMOVAL} out of the dataset, run {repair}, move out the files that do not belong to it, "
        "then run the same `shardkit remove` again."
    )


def has_workspace(folder: Path) -> bool:
    return DatasetFolder(folder).exists(WORKPLACE)


def has_plan(folder: Path) -> bool:
    return DatasetFolder(folder).exists(PLAN)


def clear(folder: Path) -> None:
    """Remove the workspace, the plan first: without a plan, the rest of it is known to be of no use.

    The caller holds the dataset, so temporary files next to the shards are those of killed processes.
    """
    inside = DatasetFolder(folder)
    inside.remove_file(PLAN)
    for name in (f"{WORKPLACE}/{each}" for each in inside.names(WORKPLACE)):
        if name not in STAYING:
            inside.remove(name)
    inside.remove_temporary_files(is_dataset_file, "", "index")
    inside.flush()
