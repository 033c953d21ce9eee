"""tests.shardkit.pack.plan"""
