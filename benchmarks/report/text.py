"""Text from files as it stands in a page: in any script, and nothing that drives what stands beside it."""

import re

# Controls, ends of lines, halves of characters, what turns the direction of the text behind it, and no characters.
DRIVES = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def tame(text: str) -> str:
    """Return *text* with what drives a page escaped, as Python's strings are."""
    return DRIVES.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
