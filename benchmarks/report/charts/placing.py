"""Where the names of points stand, so that none lies on another, nor on a point."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LETTER, LINE, AWAY = 6.2, 12.0, 8.0  # px of a letter, of a line, from a point
FARTHEST = 14  # lines up or down
OF_POINT = 5.0  # px around a point that stay free


@dataclass(frozen=True)
class Box:
    """A rectangle in px."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        """Whether the two overlap."""
        beside = self.right <= other.left or other.right <= self.left
        return not (beside or self.bottom <= other.top or other.bottom <= self.top)

    def holds(self, other: "Box") -> bool:
        """Whether the other lies within."""
        beside = other.left < self.left or other.right > self.right
        return not (beside or other.top < self.top or other.bottom > self.bottom)


def placed(
    points: Sequence[tuple[float, float]], names: Sequence[str], within: Box, lines: Sequence[Box] = ()
) -> list[Box | None]:
    """Return where each name stands, near its point, within a box and on none of the *lines*; None without room."""
    taken = [*(Box(x - OF_POINT, y - OF_POINT, x + OF_POINT, y + OF_POINT) for x, y in points), *lines]
    found: list[Box | None] = []
    for point, name in zip(points, names, strict=True):
        free = (box for box in _near(point, len(name) * LETTER) if _is_free(box, taken, within))
        box = next(free, None)
        found.append(box)
        taken += [box] if box else []
    return found


def _is_free(box: Box, taken: Sequence[Box], within: Box) -> bool:
    return within.holds(box) and not any(box.meets(other) for other in taken)


def _near(point: tuple[float, float], width: float) -> Iterator[Box]:
    """Yield the places around a point, the nearest first: beside it, above and below, then farther up and down."""
    x, y = point
    for lines in range(FARTHEST):
        for sign in (-1, 1):
            middle = y + sign * lines * LINE
            for left in (x + AWAY, x - AWAY - width, x - width / 2):
                yield Box(left, middle - LINE / 2, left + width, middle + LINE / 2)
