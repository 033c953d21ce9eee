"""tests.shardkit.pack.source"""
