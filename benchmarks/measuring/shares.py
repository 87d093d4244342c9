"""How far a share can be trusted that was counted: so many right answers of so many."""

import math

NORMAL = 1.96  # standard errors: of a normal distribution 95 % lie within


def interval(share: float, number: int) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a share, from 0 to 1, of a *number* of independent answers.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927, 209-212.
    """
    square = NORMAL**2 / number
    middle = (share + square / 2) / (1 + square)
    half = NORMAL * math.sqrt(share * (1 - share) / number + square / 4 / number) / (1 + square)
    return middle - half, middle + half
