"""How well embeddings tell subjects apart: all pairs compared, in whole numbers from the score to the rate."""
