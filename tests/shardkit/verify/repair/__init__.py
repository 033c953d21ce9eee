"""tests.shardkit.verify.repair"""
