"""Restoring: from a dataset to the tree or the arrays that it was packed from.

    tree ────┬──> paths         path of each file; no two samples share one
             └──> tree_writer   batches of files, durable, nothing overwritten
    arrays                      one large file, each sample at its index

Both check every sample as it is read. A stopped command resumes when it is run again.
"""
