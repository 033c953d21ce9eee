"""The bytes on disk, and how they get there."""
