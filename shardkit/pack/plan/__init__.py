"""Plan of a pack or append, complete before the first shard is written.

    planner (trees)   ──┐   split      which split a group is in
    arrays (arrays)   ──┼──────────> sharding ──> planfile
    append (new ones) ──┘            shards, labels, order    `.shardkit/plan.parquet`

The plan is a pure function of source and options. So each shard is an independent task that any process can do, at any
time and repeatedly.
"""
