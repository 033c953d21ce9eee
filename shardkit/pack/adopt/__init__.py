"""Adoption of tars that other tools wrote (`shardkit index`): they become shards as they are.

    session ──┬─> tar_indexer ──> receipts      one tar: samples, digests, skipped members
              │        └──> identity            subject and impression of a key
              └─> merge                         labels, index, tables, manifest (the commit)

The tars are only read. `format/foreign_tar.py` parses them.
"""
