"""Names as they are shown: in any script, but none that drives a terminal or cannot be written."""

import os
import unicodedata

# Controls, halves of characters (bytes that are not UTF-8), and ends of lines.
UNSHOWN = ("Cc", "Cs", "Zl", "Zp")
TURNING = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")  # turn the direction of what stands behind


def shown(text: str) -> str:
    """Return *text* as it is, with what a terminal would obey, or this system could not write, escaped."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if unicodedata.category(character) in UNSHOWN or unicodedata.bidirectional(character) in TURNING:
        return _escaped(character)
    try:
        os.fsencode(character)  # pytest puts the names of tests into the environment
    except UnicodeEncodeError:
        return _escaped(character)
    return character


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8, as Python reads it
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
