"""Bytes of a dataset on disk, as docs/format.md describes them.

manifest ── json_values        canonical JSON and its conversion to dataclasses
   │     └─ recorded_options   options that hold for all generations
   ├─ generation               file names, totals and digests of a generation
   └─ tables ── table_limits   Parquet: index, shards, subjects; limits against crafted files
          │ └── page_headers   sizes that Parquet pages declare
          └─ tar               bytes of a shard around its members

keys        names of subjects and impressions in keys          digests         XXH3, BLAKE3, checksum lists
foreign_tar members of a tar that another tool wrote           foreign_digest  digests of such a tar
"""
