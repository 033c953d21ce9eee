"""tests.shardkit.stream.order"""
