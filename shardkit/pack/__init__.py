"""Packing, and every other command that changes a dataset.

    source/ ───> plan/ ──────────> write/ ───────────────> merge
    images,      splits, shards,   one tar and one         index, tables, checksum
    lists        codec             receipt per shard       lists, manifest (the commit)

    session       life cycle of a pack: begin, resume, pack the shards, merge; each step can be repeated after a kill
    options       options of a pack                      workspace   files of an unfinished command, `.shardkit/`
    codec_choice  `--codec auto` and the trial run       generation_writer  the index, tables and digests
    estimate      codec, time and space before a pack    engines/    which processes pack the shards

    unpack/       dataset -> tree or arrays
    adopt/        tars of other tools -> dataset
    remove/       dataset without some subjects

A new codec: `image/codec.py` and `codec_choice.py`. A new input: `source/`. A new way to split: `plan/split.py`.
"""
