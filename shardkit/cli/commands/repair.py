"""Command `shardkit repair DST`: rebuilds damaged files to the same bytes, and reports what is lost."""

from pathlib import Path

import click

from shardkit.cli.commands.verify import print_report
from shardkit.cli.console import emit, say
from shardkit.cli.help import command
from shardkit.cli.options import FOLDER, count_cores, with_workers
from shardkit.cli.progress import show_progress
from shardkit.errors import Damaged, UsageError
from shardkit.pack.remove.staging import finish_removal, is_removal_committed
from shardkit.storage.lock import lock_folder
from shardkit.verify import verifier
from shardkit.verify.repair.pipeline import repair as repaired


@command(examples=("shardkit repair packed", "shardkit repair packed --source fingers"), exits=(0, 4, 5, 6, 7, 130))
@click.argument("dst", type=FOLDER)
@click.option("--source", type=FOLDER, metavar="SRC", help="The tree that DST was packed from. It is only read.")
@with_workers
@click.option("--json", "as_json", is_flag=True, help="Print what is left, and a summary, as JSON lines.")
def repair(dst: Path, source: Path | None, workers: int | None, *, as_json: bool) -> int:
    """Verify the dataset DST, and mend what is damaged, byte for byte.

    Headers, padding, tables and lists are made again from what is whole; samples from the tree that they were packed
    from. What cannot be mended is said and left as it is.
    """
    if source is not None and not source.is_dir():
        raise UsageError(f"{source}: there is no such folder. Name the tree that {dst} was packed from.")

    def verified() -> verifier.Report:
        examination = verifier.prepare_verification(dst)
        with show_progress("samples", examination.samples) as shown:
            return verifier.run_verification(examination, verifier.Level.BYTES, workers or count_cores(), shown.advance)

    with lock_folder(dst):
        if is_removal_committed(dst):
            finish_removal(dst)
        outcome = repaired(dst, source, say, verified)
    if as_json:
        emit({"mended": list(outcome.mended), "left": list(outcome.left)})
    print_report(outcome.report, as_json=as_json, advise=source is None)
    return Damaged.exit_code if outcome.report.findings else 0
