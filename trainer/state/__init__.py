"""All that a run is at a step, and its names in a checkpoint."""
