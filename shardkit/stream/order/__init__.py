"""Order of an epoch: which sample is in which global batch (a row) and column. Pure integers, without I/O.

    rng ──> options ──> layout ──> subjects ──> samplers │ pairs ──> epoch ──> sample indices of a row
     └────> pair_allocation ────────────────────┘

    options          options and sample counts that an order is made from; accounting of an epoch
    layout           table of rows and columns, last batch, shuffled shards: shared by all samplers
    subjects         samples by subject; the subset for validation
    samplers         uniform, balanced, P x K           pairs   mated, hard and easy pairs
    pair_allocation  even shares of subjects
    epoch            lanes, blocks, rows, and the columns of a rank

A new sampler implements `Sampler` of `layout.py` and is listed in `epoch.py`. docs/order.md explains the order.
"""
