"""What a chart of many rows says in two sentences: who is at its ends, and how many are marked."""

from collections.abc import Sequence

FEW = 3  # rows that are still told one by one


def ends(told: Sequence[str], marked: int) -> str:
    """Return what is *told* of each row, from one end to the other; of many the ends, and how many are *marked*."""
    if len(told) <= FEW:
        return f"{'; '.join(told)}."
    marks = f" {marked} of the {len(told)} {'is' if marked == 1 else 'are'} marked." if marked else ""
    return f"From {told[0]} to {told[-1]}, {len(told)} rows.{marks}"
