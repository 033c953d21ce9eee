"""What `shardkit pack` was asked for, as the packer takes it."""

from typing import Any

import click

from shardkit.cli.parameters import shape, size_in_bytes
from shardkit.pack.arrays_files import described
from shardkit.pack.lists import ListFile, by_file, digest_of
from shardkit.pack.options import PackOptions
from shardkit.pack.planning import Request
from shardkit.pack.subject_lists import digest_of_files

_LISTS = ("files", "groups", "split_file", "exclude")


def request_of(given: dict[str, Any]) -> Request:
    if given["from_arrays"] and given["files"]:
        raise click.UsageError("--files names images of a tree, and --from-arrays takes none.")
    if given["fit"] != "pad" and not given["size"]:
        raise click.UsageError(f"--fit {given['fit']} says how --size is met: add --size, or leave --fit out.")
    lists = lists_of(given)
    options = PackOptions(
        layout=given["layout"],
        splits=_splits(given, lists["split_file"]),
        files=digest_of_files(lists["files"]),
        groups=digest_of(lists["groups"]),
        exclude=digest_of(lists["exclude"]),
        codec=given["codec"] or ("zstd" if given["from_arrays"] else "png"),
        color=given["color"],
        size=given["size"],
        fit=given["fit"],
        enhance=given["enhance"],
        shard_size=size_in_bytes(given["shard_size"]),
        check=given["check"],
        sha256=given["sha256"],
        shape=shape(given["shape"]) if given["shape"] else None,
    )
    if given["from_arrays"]:
        return _request_for_arrays(given, options)
    if options.shape:
        raise click.UsageError("--shape is of arrays: add --from-arrays, or leave it out.")
    return Request(given["src"], given["dst"], options, **lists)


def lists_of(given: dict[str, Any]) -> dict[str, ListFile | None]:
    """Each list that was handed in, read."""
    return {name: ListFile(given[name]) if given[name] else None for name in _LISTS}


def _request_for_arrays(given: dict[str, Any], options: PackOptions) -> Request:
    return Request(given["src"], given["dst"], described(given["src"], options))


def _splits(given: dict[str, Any], split_file: ListFile | None) -> str:
    """The one way of splitting that was asked for, as the options keep it."""
    asked = [name for name in ("split", "split_file", "folds") if given[name] is not None]
    if len(asked) > 1:
        raise click.UsageError("--split, --split-file and --folds exclude each other: choose one.")
    if split_file:
        return by_file(split_file)
    if given["folds"]:
        return f"folds={given['folds']}"
    return "train" if given["split"] is None else str(given["split"])
