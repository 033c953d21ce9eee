"""Reading: from sample indices to pixels in the slots of a batch.

    row_planner ──> sample_index        samples of the rank's columns, and their positions
         └────────> readahead           page cache, ahead of the batches
    slot_filler ──> members             runs of one kind; one careful read with its digest
         ├────────> raw_copy            pixels that need no decoding
         └────────> decoder             shape and type of a slot; conversion, or image/codec
    shard_files                         open and mapped shards, for all of them

Open `slot_filler.py` for the path of one batch, `members.py` for how damage is found.
"""
