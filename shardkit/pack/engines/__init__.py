"""Registry of pack engines, which run the tasks of a pack: one task per shard.

An engine takes independent tasks that may be repeated, and yields the result of each. The threads are in
`shardkit/parallel.py`.
"""

from shardkit import parallel

ENGINES = {"local": parallel.map_unordered}
