"""A mark: writing or a seal that a crop must not show. Found once on a whole painting, looked up for each crop."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets_cards.lpd.crops import Box


@dataclass(frozen=True)
class Mark:
    """An upright rectangle of the source picture that holds writing or a seal, in its pixels."""

    kind: str  # "inscription", "watermark", "seal"
    left: int
    top: int
    right: int
    bottom: int
    score: float


def marks_in(box: Box, marks: Sequence[Mark]) -> list[Mark]:
    """Those of `marks` of which `box` shows a tenth or at least 100 square pixels."""
    shown = []
    for mark in marks:
        width = min(box.x + box.side, mark.right) - max(box.x, mark.left)
        height = min(box.y + box.side, mark.bottom) - max(box.y, mark.top)
        area = (mark.right - mark.left) * (mark.bottom - mark.top)
        if width > 0 and height > 0 and width * height >= min(0.1 * area, 100):
            shown.append(mark)
    return shown
