"""trainer consumes a shardkit stream under torchrun: batches → weights."""
