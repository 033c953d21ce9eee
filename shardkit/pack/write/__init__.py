"""Writing of one shard: from a row of the plan to a tar and its receipt.

    shard_writer ──> encoders ──> pixel_encoders ──> preparation     bytes as found, or decoded and encoded
         │               └─────────────┴──> tar_writer               members, hashed in place
         └─────────> receipts                                        index rows, skipped inputs, digests

Image libraries are imported by `pixel_encoders.py` and `preparation.py` only, and those only when pixels are decoded.
"""
