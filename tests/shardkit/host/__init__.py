"""tests.shardkit.host"""
