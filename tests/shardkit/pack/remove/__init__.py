"""tests.shardkit.pack.remove"""
