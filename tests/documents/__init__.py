"""What README and docs/ show runs as it stands there: see `parts.py` for the marks that a document may carry."""
