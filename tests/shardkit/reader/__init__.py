"""tests.shardkit.reader"""
