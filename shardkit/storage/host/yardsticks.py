"""The data that a host is measured against: a folder of a million fingerprints, and the shards made of it."""

IMAGES = 1_000_000
BYTES_AN_IMAGE = 400_000
BYTES_A_SHARD = 256_000_000
# What shuffling holds in memory at a global batch of 64: 512 rows of it.
BYTES_A_WINDOW = 64 * 512 * BYTES_AN_IMAGE
