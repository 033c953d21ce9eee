"""tests.shardkit.pack.adopt"""
