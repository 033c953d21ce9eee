"""Command `shardkit remove DST --subject S`: removes subjects or groups, and checks that nothing of them is left."""

import sys
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path

import click

from shardkit.cli.console import emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, GROUP, SUBJECT
from shardkit.cli.progress import show_progress
from shardkit.errors import UsageError, command_hint
from shardkit.format.manifest import read_manifest
from shardkit.pack.remove.check import prove_removed
from shardkit.pack.remove.preview import Removal, preview_removal, select_subjects
from shardkit.pack.remove.rewrite import check_removable, remove_subjects
from shardkit.pack.remove.staging import (
    RemovalRecord,
    clear_record,
    drop_from_quarantine,
    is_removal_committed,
    unreported_removal,
)
from shardkit.pack.session import recover
from shardkit.reader.dataset import open_dataset
from shardkit.storage.lock import lock_folder

_MOST_NAMES = 10
_SHOWN_DUPLICATES = 20


@command(
    examples=(
        "shardkit remove packed --subject 000123 --dry-run",
        "shardkit remove packed --subject 000123",
        "shardkit remove packed --group person-7 --yes",
    ),
    exits=(0, 4, 5, 6, 7, 130),
)
@click.argument("dst", type=FOLDER)
@click.option("--subject", "subjects", type=SUBJECT, multiple=True, metavar="S", help="A subject; may be repeated.")
@click.option(
    "--group",
    "groups",
    type=GROUP,
    multiple=True,
    metavar="G",
    help="A group, which is all subjects of one person if `pack --groups` said so; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and write nothing.")
@click.option("--yes", is_flag=True, help="Remove without a question. Required where no terminal can answer it.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as a JSON line.")
def remove(
    dst: Path, subjects: tuple[str, ...], groups: tuple[str, ...], *, dry_run: bool, yes: bool, as_json: bool
) -> None:
    """Remove subjects from the dataset DST, and check that nothing of them is left in it.

    The shards that hold them are written again without them, as a new generation, and the earlier generations are
    removed. Other subjects keep their labels and splits. To resume after an interruption, run the same command again.
    """
    if not subjects and not groups:
        raise click.UsageError("--subject S or --group G is missing: name what to remove.")
    read_manifest(dst)
    if dry_run:
        _show(dst, subjects, groups, as_json=as_json)
        return
    if not yes and not _has_terminal():
        raise UsageError(
            "`shardkit remove` asks before it removes, and no terminal is here to answer. "
            "Add --yes to remove without a question, or --dry-run to print what would be removed."
        )
    with lock_folder(dst):
        _remove(dst, subjects, groups, yes=yes, as_json=as_json)


def _show(dst: Path, subjects: tuple[str, ...], groups: tuple[str, ...], *, as_json: bool) -> None:
    if is_removal_committed(dst) or unreported_removal(dst, read_manifest(dst)):
        raise UsageError(
            f"dataset {str(dst)!r}: an interrupted removal is not finished, and a dry run writes nothing. "
            f"Finish it first, with the same `shardkit remove` command or with {command_hint('repair', dst)}."
        )
    dataset = open_dataset(dst)
    check_removable(dataset)
    removal = preview_removal(dataset, select_subjects(dataset, subjects, groups))
    for line in (*_outline(removal, "Would remove"), *_warnings(removal)):
        say(line)
    say("Nothing was written. To remove, run the same command without --dry-run.")
    if as_json:
        emit({"folder": str(dst), "dry_run": True, **asdict(removal)})


def _remove(dst: Path, subjects: tuple[str, ...], groups: tuple[str, ...], *, yes: bool, as_json: bool) -> None:
    recover(dst)
    dataset = open_dataset(dst)
    check_removable(dataset)
    earlier = unreported_removal(dst, dataset.manifest)
    if earlier:
        _report(dst, earlier, as_json=as_json)
    selection = select_subjects(dataset, subjects, groups, earlier.removal if earlier else None)
    if not selection.subjects:  # the interrupted command was the same one
        recover(dst)
        return
    removal = preview_removal(dataset, selection)
    if not yes:
        _ask(removal)
    with show_progress("shards", len(dataset.shards)) as shown:
        record = remove_subjects(dataset, removal, shown.advance)
    _report(dst, record, as_json=as_json, warn=yes)
    recover(dst)


def _ask(removal: Removal) -> None:
    for line in (*_outline(removal, "This removes"), *_warnings(removal)):
        say(line)
    try:
        agreed = click.confirm("Remove?", err=True)
    except click.Abort:  # the end of the input
        agreed = False
    if not agreed:
        raise UsageError("Nothing was removed, because the answer was not yes.")


def _report(dst: Path, record: RemovalRecord, *, as_json: bool, warn: bool = True) -> None:
    """Check the result of a removal and print both; only then its record goes."""
    removal = record.removal
    drop_from_quarantine(dst, removal.subjects)
    proof = prove_removed(open_dataset(dst, record.generation), removal.subjects, removal.rewritten)
    rows, shards = _count(proof.rows, "row"), _count(proof.rewritten, "rewritten shard")
    checked = f"Checked: {rows}, every byte of {shards}, no other file."
    for line in (*_outline(removal, "Removed"), checked, *(_warnings(removal) if warn else ())):
        say(line)
    say(f"{dst}: generation {record.generation}, digest {record.digest}.")
    say("The source and backups are unchanged: remove the samples there too.")
    if as_json:
        outcome = {"generation": record.generation, "digest": record.digest, "proof": checked}
        emit({"folder": str(dst), "dry_run": False, **asdict(removal), **outcome})
    clear_record(dst)


def _outline(removal: Removal, verb: str) -> Iterator[str]:
    samples, subjects = _count(removal.samples, "sample"), _count(len(removal.subjects), "subject")
    yield f"{verb} {samples} ({removal.bytes:,} bytes) of {subjects}: {_some(removal.subjects)}."
    yield f"Rewritten: {_count(len(removal.rewritten), 'shard')} of {removal.rewritten_bytes:,} bytes."


def _warnings(removal: Removal) -> Iterator[str]:
    for group, members in removal.staying.items():
        stay = "1 subject of group {} stays" if len(members) == 1 else f"{len(members):,} subjects of group {{}} stay"
        yield f"Warning: {stay.format(group)}: {_some(members)}. To remove the whole group, use --group {group}."
    for each in removal.duplicates[:_SHOWN_DUPLICATES]:
        yield f"Warning: {each.stays} stays and has the same bytes as {each.removed}."
    more = removal.duplicate_count - _SHOWN_DUPLICATES
    if more > 0:
        yield f"Warning: {more:,} more files that stay have the same bytes as a removed one."


def _some(names: Collection[str]) -> str:
    shown = ", ".join(sorted(names)[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else shown


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _has_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
