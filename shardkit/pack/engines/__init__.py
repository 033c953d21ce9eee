"""Who makes the shards.

An engine gets tasks that are independent and may be done again, and gives back what each of them came to.
"""

from shardkit.pack.engines import local

ENGINES = {"local": local.each}
