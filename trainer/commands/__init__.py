"""One file a command: what a user types, and what comes of it."""
