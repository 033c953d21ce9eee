"""Backbones in plain torch: from a picture to a vector."""
