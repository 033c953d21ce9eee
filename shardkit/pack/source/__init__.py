"""Sources of a pack: which images there are, and how their bytes are read.

    tree ───> scan ──┐                      layout   subject and impression in a path
    file_list ───────┼──> candidates        file_types    images, sidecars and other files, by their names
    lists ───────────┘    (tables)          lists    subjects, groups, splits and exclusions from files

    arrays ──> array_files    the other kind of source: one file of images, one of labels

Open `scan.py` for which files count as samples, `layout.py` for path templates and their detection, `tree.py` and
`arrays.py` for reading the bytes of a sample.
"""
