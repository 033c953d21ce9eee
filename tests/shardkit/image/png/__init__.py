"""tests.shardkit.image.png"""
