"""Which samples an epoch shows together: each sampler lays out units, and all else about an order is shared."""
