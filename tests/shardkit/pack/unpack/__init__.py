"""tests.shardkit.pack.unpack"""
