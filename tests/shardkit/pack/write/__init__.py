"""tests.shardkit.pack.write"""
