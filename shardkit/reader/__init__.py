"""Read access to a dataset: what `shardkit.open` returns.

    dataset ──> lookup ──> index      key ──> row, by the footers of the index
       └──────> shard                 row ──> bytes, digest compared
    duplicates                        equal bytes within a dataset, from the digests in the index

Open `dataset.py` for a split, a subject or a sample by key, and `shard.py` for how bytes are read and checked.
"""
