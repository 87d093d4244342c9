"""Texts as they are shown: in any script, but none that drives a terminal or a page, or cannot be written."""

import os
import re

# Controls, ends of lines, halves of characters (bytes that are not UTF-8), what turns the direction of the text behind
# it, and what is no character.
DRIVES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def tame(text: str) -> str:
    """Return *text* as it is, with what drives what stands beside it escaped, as Python's strings are."""
    return DRIVES.sub(lambda found: _escaped(found[0]), text)


def shown(text: str) -> str:
    """Return *text* tamed, and what this system could not write escaped as well."""
    return text if text.isascii() and text.isprintable() else "".join(map(_writable, tame(text)))


def _writable(character: str) -> str:
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
