"""What a run is asked to do: sections of frozen dataclasses, read from TOML and flags."""
