"""Synthetic fingerprints: pattern → orientation → ridges → master → impressions.

Pixels are those of a sensor of 500 dpi. Coordinates are an image's, x to the right and y down, and a field's angles are
taken from the x axis towards the y axis; only a minutia's angle follows the usual convention (see `minutiae`).
"""
