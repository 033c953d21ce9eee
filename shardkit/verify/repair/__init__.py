"""Repair of a dataset: damaged files are rebuilt to the bytes that were packed, or reported as lost.

    pipeline ──> tables ──> shards ──> index ──> tables ──> files ──> shards ──> files
                 shards     names      rows,     subjects   skipped   tars       digests, checksum lists,
                                       sources                                   manifest, stale files

`context.py` is what every step gets: the findings, the dataset as it is now, and what was repaired so far.
"""
