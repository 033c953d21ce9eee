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

from shardkit.errors import command_hint
from shardkit.format.generation import is_dataset_file
from shardkit.schema import MANIFEST, WORKSPACE
from shardkit.storage.folder import DatasetFolder
from shardkit.storage.lock import LOCK_FILE

PLAN = f"{WORKSPACE}/plan.parquet"
SKIPPED = f"{WORKSPACE}/skipped.jsonl"
PARTS = f"{WORKSPACE}/parts"
ADOPTED = f"{WORKSPACE}/adopted"
REMOVAL = f"{WORKSPACE}/removal"
REMOVAL_RECORD = f"{WORKSPACE}/removal.json"
QUARANTINE = f"{WORKSPACE}/quarantine.jsonl"

PERMANENT_FILES = {LOCK_FILE, QUARANTINE, REMOVAL_RECORD}


def receipt_name(shard: str) -> str:
    return f"{PARTS}/{shard}.parquet"


def shard_lock(shard: str) -> str:
    return f"{WORKSPACE}/making/{shard}"


def advise_after_damaged_plan(folder: Path) -> str:
    command = "append" if DatasetFolder(folder).exists(MANIFEST) else "pack"
    return f"Start the unfinished {command} over with {command_hint(f'{command} --replan SRC', folder)}."


def advise_after_damaged_removal(folder: Path) -> str:
    """Shards that the removal had replaced are restored from the source; new files that it had moved are left over."""
    repair = command_hint("repair --source SRC", folder)
    return (
        f"Move the folder {REMOVAL} out of the dataset, run {repair}, move out the files that do not belong to it, "
        "then run the same `shardkit remove` again."
    )


def has_workspace(folder: Path) -> bool:
    return DatasetFolder(folder).exists(WORKSPACE)


def has_plan(folder: Path) -> bool:
    return DatasetFolder(folder).exists(PLAN)


def remove_workspace(folder: Path) -> None:
    """Remove the workspace, the plan first: without a plan, the rest of it is known to be of no use.

    The caller holds the dataset, so temporary files next to the shards are those of killed processes.
    """
    inside = DatasetFolder(folder)
    inside.remove_file(PLAN)
    for name in (f"{WORKSPACE}/{each}" for each in inside.names(WORKSPACE)):
        if name not in PERMANENT_FILES:
            inside.remove(name)
    inside.remove_temporary_files(is_dataset_file, "", "index")
    inside.flush()
