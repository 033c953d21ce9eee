"""Augmentation on the device: from stored pixels, and their minutiae, to the network's input.

    pipeline.py     `Augmentation`: the steps in their order, and sizes   ← open this first
      ├─ gabor.py         ridge enhancement of fingerprints
      ├─ geometry.py      affine maps, warped images and minutiae, target maps of minutiae
      └─ random_draws.py  random parameters from (seed, epoch, sample)

A new augmentation gets a `Draw` in random_draws.py and its place in pipeline.py; its setting goes to config/schema.py.
"""
