"""Checkpoints as bytes: where they lie, how they are written, found again and cleared away. No model is known here."""
