"""Checkpoints: from a running training to files, and back.

    state.py   training state to and from named tensors and JSON
    writer.py  writes them in a thread, handles full disks → store.py
    store.py   folders, digests, newest valid checkpoint, rotation

To store something new, open state.py. For another place or format of checkpoints, open store.py and writer.py, which
know tensors and JSON but no model.
"""
