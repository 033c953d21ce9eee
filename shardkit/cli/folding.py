"""Long sentences on a terminal: folded between words, and a command that is to be copied never."""

import re

_INDENT = "  "


def folded(text: str, width: int) -> str:
    """The text; if it is one line that is too long, on several, those behind the first one indented.

    What is no sentence stays: a table has its columns.
    """
    if len(text) <= width or "\n" in text or text.startswith(" ") or "  " in text:
        return text
    lines = [""]
    for word in re.findall(r"`[^`]*`\S*|\S+", text):
        if lines[-1].strip() and len(lines[-1]) + 1 + len(word) > width:
            lines.append(_INDENT + word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
