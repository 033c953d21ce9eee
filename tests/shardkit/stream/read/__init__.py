"""tests.shardkit.stream.read"""
