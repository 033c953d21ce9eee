"""Batches: from filled slots to tensors.

    builder ──> bad_samples     replacement of samples that cannot be served; the quarantine
       ├──────> buffers         reused memory of batches; cached batches
       ├──────> minutiae        points of `.mnt` sidecars, mapped as the pixels were
       └──────> batch           the batch that a user gets

The pixels come from `read/slot_filler.py`.
"""
