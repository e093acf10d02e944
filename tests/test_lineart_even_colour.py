"""Colours made even within lines: what is drawn together, what stays apart, what is not touched."""

import numpy as np
import pytest
import torch

from pipelines import get_method
from pipelines.domain_filter import domain_filter
from pipelines.lineart_colorizer.even_colour import even_out, paper_of, spread_hints
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import EVENNESS


def halves(size: int = 48, paper: float = 1.0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Lines with a wall of 3 px down the middle, blotchy colours left and right of it, and where the wall is."""
    torch.manual_seed(0)
    lines = torch.full((1, 1, size, size), paper)
    wall = torch.zeros(size, size, dtype=torch.bool)
    wall[:, size // 2 - 1 : size // 2 + 2] = True
    lines[..., wall] = -1
    coloured = 0.05 * torch.randn(1, 3, size, size)
    coloured[:, 0, :, : size // 2] += 0.5
    coloured[:, 0, :, size // 2 :] -= 0.5
    return lines, coloured, wall


def test_a_constant_stays():
    x = torch.linspace(-1, 1, 4)[:, None, None].expand(4, 20, 30)
    torch.testing.assert_close(domain_filter(x, torch.rand(2, 20, 30), 9.0), x)


def test_one_pass_is_the_recursive_filter():
    """An impulse in a row falls off by exp(-sqrt(2) / sigma) a pixel either way, faster over a step."""
    x = torch.zeros(1, 1, 41)
    x[0, 0, 20] = 1
    guide = torch.zeros(1, 1, 41)
    sigma = 3.0
    found = domain_filter(x, guide, sigma, rounds=1)[0, 0]
    feedback = np.exp(-np.sqrt(2) / sigma)
    assert (found[22:30] / found[21:29]).tolist() == pytest.approx([feedback] * 8, rel=1e-4)
    torch.testing.assert_close(found, found.flip(0), atol=1e-4, rtol=1e-2)
    guide[0, 0, 25:] = 1
    held = domain_filter(x, guide, sigma, rounds=1)[0, 0]
    assert float(held[25] / found[25]) == pytest.approx(feedback**sigma, rel=1e-3), "sigma pixels farther away"


def test_blotches_go_and_the_wall_holds():
    lines, coloured, wall = halves()
    even = even_out(coloured, lines, 1.0)
    left, right = even[0, 0, :, :22], even[0, 0, :, 26:]
    assert left.std() < 0.2 * coloured[0, 0, :, :22].std() and right.std() < 0.2 * coloured[0, 0, :, 26:].std()
    assert left.mean().item() == pytest.approx(0.5, abs=0.02) and right.mean().item() == pytest.approx(-0.5, abs=0.02)
    torch.testing.assert_close(even[..., wall], coloured[..., wall], msg="ink keeps its colours")


def test_without_the_wall_soft_changes_are_drawn_together():
    size = 48
    ramp = torch.linspace(-0.3, 0.3, size).expand(1, 3, size, size)
    even = even_out(ramp, torch.ones(1, 1, size, size), 1.0, reach=1.0)
    assert even.amax() - even.amin() < 0.5 * (ramp.amax() - ramp.amin())


def test_strength_is_a_blend_and_0_leaves_all():
    lines, coloured, _ = halves()
    assert even_out(coloured, lines, 0.0) is coloured
    whole, half = even_out(coloured, lines, 1.0), even_out(coloured, lines, 0.5)
    torch.testing.assert_close(half, (coloured + whole) / 2)


def test_the_papers_tone_does_not_matter():
    lines, coloured, _ = halves()
    toned, *_ = halves(paper=0.4)
    torch.testing.assert_close(even_out(coloured, toned, 1.0), even_out(coloured, lines, 1.0), atol=1e-4, rtol=1e-3)
    assert paper_of((toned[0] + 1) / 2).item() == pytest.approx(0.7)
    assert paper_of(torch.zeros(1, 8, 8)).item() == pytest.approx(0.1), "a black page divides by nothing small"


def test_a_hint_spreads_in_its_region_only():
    lines, coloured, wall = halves()
    hints = torch.zeros(1, 4, 48, 48)
    hints[:, :, 22:26, 8:12] = torch.tensor([-0.9, 0.8, 0.1, 1.0]).view(1, 4, 1, 1)
    spread = spread_hints(coloured, lines, hints)
    colour = torch.tensor([-0.9, 0.8, 0.1])
    assert (spread[0, :, 24, 10] - colour).abs().max() < 0.02, "where it was given"
    assert (spread[0, :, 4:44, 4:20] - colour[:, None, None]).abs().mean() < 0.1, "all over its region"
    assert (spread - coloured)[..., 26:].abs().max() < 0.05, "not behind the wall"
    torch.testing.assert_close(spread[..., wall], coloured[..., wall], msg="ink keeps its colours")


def test_of_two_hints_the_nearer_has_more_say():
    size = 64
    page, grey = torch.ones(1, 1, size, size), torch.zeros(1, 3, size, size)
    hints = torch.zeros(1, 4, size, size)
    hints[0, :, 30:34, 8:12] = torch.tensor([1.0, -1.0, -1.0, 1.0]).view(4, 1, 1)
    hints[0, :, 30:34, 52:56] = torch.tensor([-1.0, -1.0, 1.0, 1.0]).view(4, 1, 1)
    red = spread_hints(grey, page, hints)[0, 0, 32]
    assert red[10] > 0.9 and red[53] < -0.9 and red[20] > 0.5 and red[44] < -0.5
    assert (red[12:52].diff() < 1e-3).all(), "from one to the other without a turn"


def test_no_hint_changes_nothing():
    lines, coloured, _ = halves()
    torch.testing.assert_close(spread_hints(coloured, lines, torch.zeros(1, 4, 48, 48)), coloured)


def test_the_pipeline_evens_and_refuses_what_is_out_of_range():
    torch.manual_seed(0)
    method = get_method("lineart_colorizer")
    pipe = method.tiny()
    lines, *_ = halves()
    options = {"reference": method.tiny_inputs()["reference"], "output_type": "pt", "return_dict": False}
    drawing = (lines[0] + 1) / 2
    raw, part, whole = (pipe(drawing, evenness=value, **options)[0][0] for value in (0.0, EVENNESS, 1.0))
    unevenness = [picture[:, :, :22].flatten(1).std(1).mean() for picture in (raw, part, whole)]
    assert unevenness[0] > 1.5 * unevenness[1] > 1.5 * unevenness[2]
    torch.testing.assert_close(pipe(drawing, **options)[0][0], part)
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="evenness goes from 0 to 1"):
            pipe(drawing, evenness=value, **options)
        with pytest.raises(ValueError, match="evenness goes from 0 to 1"):
            pipe.canvas(np.zeros((8, 8, 3), np.uint8), 8, 8, reference="x.png", evenness=value)


def test_the_tab_starts_with_the_pipelines_evenness():
    import gradio as gr

    import app
    from ui.models import Models
    from ui.services import Services

    demo = app.build(Services(Models()))
    sliders = [one for one in demo.blocks.values() if isinstance(one, gr.Slider) and "evenness" in str(one.label)]
    assert [one.value for one in sliders] == [EVENNESS]
