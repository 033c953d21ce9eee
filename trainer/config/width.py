"""How wide a help is."""

from shutil import get_terminal_size

_WIDEST = 100


def width_of_help() -> int:
    """One column stays free, and nobody likes to read longer lines."""
    return max(40, min(get_terminal_size().columns - 1, _WIDEST))
