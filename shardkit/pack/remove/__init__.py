"""Removal of subjects from a dataset, as a new generation, with a check that nothing of them is left.

    preview ──> rewrite ──> staging ──────────> check
    what goes   new shards  commit, resume      every row, rewritten shards, no other file

Until the staged manifest exists, the dataset is unchanged. After that, any later command finishes the removal.
"""
