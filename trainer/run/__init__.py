"""One run: its parts put together from a config, taken up where a checkpoint left them, and its duties."""
