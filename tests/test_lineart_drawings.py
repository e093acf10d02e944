"""The procedural drawings: seeded, of any size, one drawing under several palettes and hands."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from datasets_cards.procedural import drawing
from datasets_cards.procedural.drawing import MOTIFS
from datasets_cards.procedural.drawing_palettes import PALETTES, WHITE, mixed, varied
from datasets_cards.procedural.drawing_sheet import Place, Sheet
from datasets_cards.procedural.drawing_strokes import HANDS, Hand, drawn, ellipse, path, resampled, smooth

ROOT = Path(__file__).parent.parent
STEADY = Hand(width=0.02, pressure=0.0, wobble=0.0, gaps=0.0)


def blank(width: int = 100, height: int = 100, hand: Hand = STEADY) -> Sheet:
    return Sheet(width, height, hand, PALETTES["spring"], np.random.default_rng(0))


def test_the_seed_decides_in_every_process():
    first, other = drawing(4, 96, 80), drawing(4 + len(MOTIFS), 96, 80)
    again = drawing(4, 96, 80)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.lines, other.lines), "one motif, two drawings"
    command = (
        "import hashlib; from datasets_cards.procedural import drawing;"
        "print(hashlib.sha256(b''.join(part.tobytes() for part in drawing(4, 96, 80))).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256(b"".join(part.tobytes() for part in first)).hexdigest()


@pytest.mark.parametrize("size", [(64, 64), (64, 300), (400, 100), (333, 77)])
def test_any_size(size):
    lines, colour = drawing(1, *size)
    assert (lines.size, lines.mode, colour.size, colour.mode) == (size, "L", size, "RGB")
    assert np.asarray(lines).min() < 100 and np.asarray(colour).std() > 20


@pytest.mark.parametrize("motif", MOTIFS)
def test_lines_on_paper_and_colours_between_them(motif):
    lines, colour = (np.asarray(part).astype(int) for part in drawing(3, 160, 160, motif, "spring", "pen"))
    assert 0.03 < (lines < 128).mean() < 0.3, "a drawing, neither empty nor black"
    assert (lines == 255).mean() > 0.5, "clean paper"
    dark = PALETTES["spring"]["ink"]
    assert np.abs(colour[lines < 20] - dark).max() < 45, "the coloured picture has the same lines"
    plain = colour[lines == 255]
    assert len(np.unique(plain // 32, axis=0)) >= 12, "many colours"
    assert (plain.max(1) - plain.min(1)).mean() > 30, "and not grey ones"


def test_motifs_come_in_turn():
    for seed, motif in enumerate(MOTIFS):
        assert np.array_equal(drawing(seed, 64, 64).lines, drawing(seed, 64, 64, motif).lines)


def test_a_palette_changes_colours_and_no_line():
    drawings = [drawing(2, 96, 96, palette=name) for name in PALETTES]
    for one, other in pairwise(drawings):
        assert np.array_equal(one.lines, other.lines)
        assert np.abs(np.asarray(one.colour).astype(int) - np.asarray(other.colour)).mean() > 20


def test_hands_differ():
    lines = {hand: np.asarray(drawing(0, 256, 256, hand=hand).lines).astype(int) for hand in HANDS}
    ink = {hand: (255 - values).mean() for hand, values in lines.items()}
    assert ink["brush"] > ink["pen"] > ink["fineliner"]
    grey = {hand: ((values > 60) & (values < 200)).sum() / (values < 200).sum() for hand, values in lines.items()}
    assert grey["pencil"] > 1.5 * grey["felt"]
    assert lines["pencil"].min() > 20 > lines["felt"].min(), "a pencil is not black"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 63}, "64 to 4096 pixels, got 63x512"),
        ({"height": 5000}, "got 512x5000"),
        ({"seed": -1}, "0 or more, got -1"),
        ({"motif": "dragon"}, "motif is one of portrait, .*got 'dragon'"),
        ({"palette": "grey"}, "palette is one of spring, .*got 'grey'"),
        ({"hand": "left"}, "hand is one of pen, .*got 'left'"),
    ],
)
def test_bad_arguments_are_said(arguments, message):
    with pytest.raises(ValueError, match=message):
        drawing(**{"seed": 1, **arguments})


def test_what_is_in_front_covers_what_is_behind():
    sheet = blank()
    sheet.line([(-0.4, 0.0), (0.4, 0.0)], curved=False)
    sheet.box(-0.2, -0.2, 0.2, 0.2, "accent", weight=0.0)
    lines, colour = (np.asarray(part) for part in sheet.finished())
    assert lines[50, 15] < 30 and (lines[35:65, 35:65] == 255).all()
    assert (colour[35:65, 35:65] == PALETTES["spring"]["accent"]).all()


def test_colour_alone_leaves_the_lines():
    sheet = blank()
    sheet.line([(-0.4, 0.0), (0.4, 0.0)], curved=False)
    before = np.asarray(sheet.finished()[0])
    sheet.tint(ellipse(0, 0, 0.3), (10, 20, 30), 0.5)
    lines, colour = (np.asarray(part) for part in sheet.finished())
    assert np.array_equal(lines, before)
    assert np.abs(colour[60, 50].astype(int) - mixed(PALETTES["spring"]["light"], (10, 20, 30), 0.5)).max() <= 1


def test_a_shape_has_its_shadow_away_from_the_light():
    sheet = blank()
    sheet.box(-0.3, -0.3, 0.3, 0.3, "light", weight=0.0, shade=0.1)
    colour = np.asarray(sheet.finished()[1]).astype(int).sum(-1)
    assert colour[77, 50] < colour[50, 50] and colour[50, 77] < colour[50, 50], "below and to the right"
    assert colour[22, 50] == colour[50, 22] == colour[50, 50]


def test_the_ground_reaches_the_foot_of_the_sheet():
    sheet = blank(80, 200)
    sheet.ground([(-0.6, 0.5), (0.6, 0.5)], "near", weight=0.0)
    colour = np.asarray(sheet.finished()[1])
    assert (colour[145:] == PALETTES["spring"]["near"]).all() and (colour[:130] == PALETTES["spring"]["light"]).all()


def test_the_sky_goes_from_one_colour_to_another():
    sheet = blank()
    sheet.sky((0, 0, 0), (200, 100, 50))
    column = np.asarray(sheet.finished()[1])[:, 7].astype(int)
    assert np.abs(column - np.linspace(0, 1, 100)[:, None] * (200, 100, 50)).max() <= 2


def test_places_nest():
    inner = Place().inside(0.1, 0.2, 0.5, np.pi / 2, False).inside(1.0, 0.0, 2.0, 0.0, True)
    assert inner([(0.0, 0.0)]) == pytest.approx(np.array([[0.1, 0.7]])), "a quarter turn clockwise: right becomes down"
    assert inner([(0.3, 0.0)]) == pytest.approx(np.array([[0.1, 0.4]])), "mirrored"
    assert inner.size == pytest.approx(1.0)
    sheet = blank()
    with pytest.raises(KeyError), sheet.at(0.3, 0.1):
        sheet.disc(0, 0, 0.1, "no such role")
    assert np.array_equal(sheet.place([(1.0, 2.0)]), [[1.0, 2.0]]), "back outside, whatever happened inside"


def test_paths_are_read():
    assert path("1 2, -3 .5!, 4 0") == pytest.approx(np.array([(1, 2), (-3, 0.5), (-3, 0.5), (4, 0)]))
    assert path("1 2", 1, -1) == pytest.approx(np.array([(2, 1)]))
    with pytest.raises(ValueError):
        path("1 2 3")


@pytest.mark.parametrize("closed", [False, True])
def test_curves_pass_through_their_points(closed):
    points = np.random.default_rng(1).random((6, 2))
    curve = smooth(points, closed, steps=10)
    assert curve[::10][:6] == pytest.approx(points)
    assert curve[-1] == pytest.approx(points[0] if closed else points[-1])


def test_a_curve_through_a_line_is_the_line():
    points = np.stack([np.arange(5.0), 2 * np.arange(5.0)], 1)
    assert smooth(points)[:, 1] == pytest.approx(2 * smooth(points)[:, 0])


def test_doubled_points_are_corners():
    """Between two corners a curve is straight; at a smooth point it has one direction."""
    square = smooth(path("0 0!, 1 0!, 1 1!, 0 1!"), closed=True)
    inside = np.abs(square - 0.5).max(1)
    assert inside == pytest.approx(np.full(len(square), 0.5))
    round_ = smooth(path("0 0, 1 0, 1 1, 0 1"), closed=True, steps=50)
    turns = np.diff(np.unwrap(np.arctan2(*np.diff(round_, axis=0).T)))
    assert np.abs(turns).max() < 0.15


def test_resampling_keeps_ends_and_distances():
    curve = np.array([(0, 0), (0.3, 0), (0.3, 0.4)])
    even = resampled(curve, 0.01)
    assert even[0] == pytest.approx(curve[0]) and even[-1] == pytest.approx(curve[-1]) and len(even) == 71
    assert len(resampled(np.array([(0.0, 0.0), (0.0, 0.0)]), 0.01)) == 2, "a dot is a line too"


def test_a_hand_presses_wavers_and_lifts():
    curve = np.array([(0.0, 0.0), (1.0, 0.0)])

    def one(tapered: bool = False, **hand: float) -> tuple[np.ndarray, np.ndarray]:
        own = Hand(**{"width": 0.01, "pressure": 0.0, "wobble": 0.0, "gaps": 0.0, **hand})
        return drawn(curve, own, np.random.default_rng(3), 1.0, tapered)

    points, widths = one()
    assert points[:, 1] == pytest.approx(np.zeros(len(points))) and widths == pytest.approx(np.full(len(points), 0.01))
    assert 0.0005 < np.abs(one(wobble=0.002)[0] - points).mean() < 0.004
    pressed = one(tapered=True, pressure=0.8)[1]
    assert pressed[[0, -1]].max() < 0.5 * np.median(pressed) and pressed.min() > 0 and pressed.max() <= 0.01
    assert 0 < (one(gaps=0.05)[1] == 0).mean() < 0.4


def test_palettes_name_all_roles_and_vary_a_little():
    roles = set(PALETTES["spring"])
    assert len(PALETTES) >= 6 and {"sky", "skin", "ink", "shade"} < roles
    for palette in PALETTES.values():
        assert set(palette) == roles
        moved = varied(palette, np.random.default_rng(0))
        change = np.array([np.subtract(moved[role], palette[role]) for role in roles])
        assert 2 < np.abs(change).mean() < 12 and all(0 <= value <= 255 for rgb in moved.values() for value in rgb)
    assert mixed((0, 0, 0), WHITE, 0.25) == (64, 64, 64)
