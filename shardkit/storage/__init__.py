"""Files of a dataset: the only package that opens, publishes, moves and locks them.

    folder ──> atomic   writing: complete and durable, or not at all
       │ └───> local    reading: plain files within the dataset, never through a link
       └─────> lock     one writer at a time, across machines
    errors              errno to our errors, for all of them

Commands that write use `folder.py`, because a dataset can come from an untrusted source. Code that reads uses
`local.py`. `atomic.py` holds `publish`, the public function for any path.
"""
