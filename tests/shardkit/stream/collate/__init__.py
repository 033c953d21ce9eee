"""tests.shardkit.stream.collate"""
