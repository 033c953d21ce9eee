"""Verification of a dataset: every byte against its recorded digest, and where the damage is.

    recorded ──> inventory ──> shard ──> tar, pixels ──> consistency ──> findings
    what the     files that    rows,     every byte      files that      damage, one line each
    dataset      are missing   one tar                   contradict
    records      or too many                             each other

`verifier.py` runs these steps on threads. `member_table.py` and `keys.py` hold the rows of a shard in columns, and
`workspace.py` explains the files of unfinished commands. `repair/` rebuilds what the findings name.
To add a finding: a kind in `findings.py`, and the check in the step that sees the bytes.
"""
