"""Config of a run: from a file or recipe and flags to one checked `Config`.

    cli/ ─┬→ files.py → flags.py → settings.py → schema.py
          └→ checks.py ───────────────┘

    schema.py    all sections, fields and defaults   ← a new setting goes here
    checks.py    ranges, and combinations that are not valid
    files.py     TOML in and out, recipes
    flags.py     --section.key and its help
    settings.py  settings by full name, types, and the identity of a run

A field is marked `identity` if it changes the weights, else `free`.
"""
