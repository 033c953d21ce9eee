"""Optimisers, the average of weights, and the scale of fp16 losses."""
