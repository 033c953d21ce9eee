"""From what each rank found in its micro-batches to what all know of the row."""
