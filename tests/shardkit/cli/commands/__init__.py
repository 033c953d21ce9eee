"""tests.shardkit.cli.commands"""
