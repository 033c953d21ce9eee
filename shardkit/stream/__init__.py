"""Streaming: from the shards of a split to the batches of one rank.

    dataset ──> pipeline                             one epoch in one process
       │           ├── order/epoch                   samples of each global batch: pure integers
       │           ├── read/row_planner              positions of the rank's samples, from read/sample_index
       │           ├── read/readahead                page cache, in storage order: 1 thread
       │           ├── prefetch                      N threads, a few batches ahead, results in order
       │           │      └── collate/builder        one batch: slots, replaced samples, tensors
       │           │             └── read/slot_filler ──> raw_copy │ image/codec ──> shards
       │           └── collate/buffers               memory of batches, reused; cached batches
       ├── opened_split one generation, opened by one process
       ├── checkpoint   state dict: make, check, restore
       └── description  facts of an epoch before it starts: `describe()`

    options    arguments of StreamingDataset, checked        world      rank, world size, loader workers, threads
    profiling  the stream without its later steps, for `shardkit bench`

A new sampler: `order/samplers.py`. Another batch layout: `collate/`. Faster reads: `read/`.
"""
