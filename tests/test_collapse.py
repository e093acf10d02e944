"""Signs of mode collapse: variety and classes of samples, what validation makes of them, and the report over runs."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import torchvision_guard  # noqa: F401
from evaluation.diversity import class_diversity
from generation_fixtures import CoarseColours, MeanDifference
from pipelines.generation.collapse_report import ReportOptions, main, read_log, summary, thinned
from pipelines.generation.collapse_watch import CollapseWatch, evenly, large_enough
from pipelines.generation.line_figure import HEIGHT, LEFT, RIGHT, TOP, WIDTH, Panel, line_figure, ticks
from test_train_processes import ROOT

SIDE = 32
TINTS = torch.tensor([[200, 60, 40], [60, 60, 180], [50, 160, 60]])


def pictures(labels, seed: int, noise: int = 40) -> torch.Tensor:
    """Tints of their classes under noise in squares of 8 px; (N, 3, 32, 32) uint8."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randint(-noise, noise + 1, (len(labels), 3, 4, 4), generator=rng)
    wide = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return (TINTS[torch.as_tensor(labels)][:, :, None, None] + wide).clamp(0, 255).byte()


LABELS = np.array([0] * 6 + [1] * 4 + [2] * 2)
REAL = pictures(LABELS, 1)
FEATURES = CoarseColours()


def watch(told: bool = True, **options) -> CollapseWatch:
    return CollapseWatch(REAL, LABELS, FEATURES(REAL), told, MeanDifference(), **options)


def values(output: torch.Tensor, **options) -> dict[str, float]:
    return watch(**options)(output, FEATURES(output))


def test_the_real_pictures_are_as_varied_as_themselves():
    assert values(REAL) == {"diversity": 1, "classes_covered": 3}
    assert values(REAL, told=False) == {"diversity": 1, "classes_covered": 3}


def test_diversity_is_the_table_s_on_equal_sets():
    """The table's ratio of means over classes, where no class has more pictures than either compares."""
    output = pictures(LABELS, 2, noise=20)
    names = list(map(str, LABELS))
    expected = class_diversity(output, names, REAL, names, MeanDifference()).ratio
    assert values(output)["diversity"] == pytest.approx(expected)
    assert 0.3 < expected < 0.7


def test_one_picture_for_each_class_is_a_collapse_that_covers_all():
    first = [0] * 6 + [6] * 4 + [10] * 2
    assert values(REAL[first]) == {"diversity": 0, "classes_covered": 3}
    together = values(REAL[first], told=False)
    assert 0.3 < together["diversity"] < 1 and together["classes_covered"] == 3, "three pictures are some variety"


def test_classes_that_are_left_out_are_missed():
    """Class 2 has two of twelve pictures: a quarter of its share is half a sample, of class 0 one and a half."""
    for labels, covered in (([0] * 12, 1), ([0] * 11 + [2], 2), ([1] * 11 + [0], 1), ([1] * 10 + [0, 0], 2)):
        assert values(pictures(labels, 3))["classes_covered"] == covered


def test_at_most_so_many_of_a_class_are_compared_evenly_over_it():
    assert evenly(np.arange(10, 20), 4).tolist() == [10, 13, 16, 19]
    assert evenly(np.arange(3), 16).tolist() == [0, 1, 2]
    assert [len(group) for group in watch(most=3).groups] == [3, 3, 2]
    assert [len(group) for group in watch(told=False, most=5).groups] == [5]


def test_a_class_of_one_picture_has_no_variety():
    alone = CollapseWatch(REAL[:2], np.array([0, 1]), FEATURES(REAL[:2]), True, MeanDifference())
    assert alone(REAL[:2], FEATURES(REAL[:2])) == {"classes_covered": 2}
    one = CollapseWatch(REAL[:3], np.zeros(3), FEATURES(REAL[:3]), True, MeanDifference())
    assert one(REAL[:3], FEATURES(REAL[:3])) == {"diversity": 1}


def test_small_pictures_are_enlarged_for_lpips():
    small = torch.arange(2 * 3 * 12 * 12).view(2, 3, 12, 12)
    large = large_enough(small)
    assert large.shape == (2, 3, 36, 36) and torch.equal(large[:, :, 1::3, 1::3], small)
    assert large_enough(REAL) is REAL


def test_lpips_itself_takes_pictures_of_every_side():
    """The true network: noise within classes, and copies of one picture."""
    for side in (16, 32):
        some = REAL[:4, :, :side, :side]
        found = CollapseWatch(some, LABELS[:4], FEATURES(some))
        assert found(some, FEATURES(some))["diversity"] == pytest.approx(1)
        assert found(some[[0] * 4], FEATURES(some))["diversity"] == pytest.approx(0, abs=1e-6)


# ---- the report


def write_run(folder, accuracy=0.9, points=20, diversity=(0.9, 0.1)):
    """A log such as training writes: losses each ten steps, a validation each hundred."""
    lines = []
    for step in range(10, 10 * points + 1, 10):
        lines.append({"step": step, "seconds": 1.0, "D/loss": 0.1, "D/accuracy": accuracy})
        if step % 100 == 0:
            share = diversity[0] if step < 10 * points else diversity[1]
            lines.append({"step": step, "seconds": 1.0, "validation/kid": step / 1000, "validation/diversity": share})
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_a_log_is_read_up_to_a_half_written_line(tmp_path):
    run = write_run(tmp_path / "run")
    log = run / "log.jsonl"
    whole = read_log(run)
    assert whole["D/accuracy"] == [(step, 0.9) for step in range(10, 201, 10)]
    assert whole["validation/kid"] == [(100, 0.1), (200, 0.2)]
    assert whole["validation/diversity"] == [(100, 0.9), (200, 0.1)]
    log.write_text(log.read_text() + '{"step": 300, "validation/kid": NaN}\n{"step": 310, "D/acc')
    assert read_log(run) == whole
    log.write_text("[1]\n")
    with pytest.raises(ValueError, match=r"log.jsonl, line 1, is no line"):
        read_log(run)
    with pytest.raises(FileNotFoundError, match="no log.jsonl"):
        read_log(tmp_path)


def test_long_lines_are_thinned_to_means():
    line = [(step, step % 2) for step in range(1000)]
    thin = thinned(line, 100)
    assert len(thin) == 100 and thin[0] == (4.5, 0.5) and thin[-1] == (994.5, 0.5)
    assert thinned(line[:7], 100) == line[:7] and thinned([]) == []
    assert thinned(line[:5], 2) == [(1, 1 / 3), (3.5, 0.5)]


def test_the_summary_is_the_mean_of_the_last_tenth(tmp_path):
    runs = {"a": {"D/accuracy": [(n, float(n >= 18)) for n in range(20)], "validation/kid": [(0, 1.0), (1, 0.25)]}}
    head, row = summary(runs | {}).splitlines()
    assert head.split()[0] == "run" and row.split() == ["a", "1.0000", "0.2500", "-"]


def test_runs_need_names_of_their_own():
    def folders(*runs):
        return ReportOptions(runs, "out.png").folders()

    assert {name: str(folder) for name, folder in folders("runs/a", "two, three=x/b").items()} == {
        "a": "runs/a",
        "two, three": "x/b",
    }
    for runs in ((), ("x/a", "y/a"), ("x/a", "a=y")):
        with pytest.raises(ValueError, match="a name of its own"):
            folders(*runs)


def test_the_command_draws_and_prints(tmp_path, capsys):
    from PIL import Image

    runs = [str(write_run(tmp_path / name, accuracy)) for name, accuracy in (("steady", 0.7), ("gone", 1.0))]
    figure = tmp_path / "new" / "figure.png"
    main([*runs, "--out", str(figure)])
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in printed[1:]] == [["steady", "0.7000"], ["gone", "1.0000"]]
    with Image.open(figure) as image:
        assert image.format == "PNG" and image.width == 3 * (LEFT + WIDTH + RIGHT)


@pytest.mark.parametrize("problem", ["nothing there", "nothing logged"])
def test_the_command_says_what_is_wrong(tmp_path, problem):
    run = tmp_path / "run"
    if problem == "nothing logged":
        run.mkdir()
        (run / "log.jsonl").write_text('{"step": 1, "loss": 2}\n')
    words = [sys.executable, "-m", "pipelines.generation.collapse_report", str(run), "--out", str(tmp_path / "f.png")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    expected = "error: No run has logged" if problem == "nothing logged" else "holds no training run"
    assert done.returncode == 1 and expected in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "f.png").exists()


# ---- the figure


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (0.03, 0.11, [0.02, 0.04, 0.06, 0.08, 0.1, 0.12]), (0, 3000, None)],
)
def test_ticks_are_round_and_cover_all(low, high, expected):
    found = ticks(low, high)
    assert expected is None or found == pytest.approx(expected)
    assert found[0] <= low and found[-1] >= high and 4 <= len(found) <= 8


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 1e-9])
def test_ticks_of_a_flat_line(value):
    found = ticks(value, value)
    assert len(found) >= 2 and found[0] <= value <= found[-1] and found[0] < found[-1]


def test_lines_go_where_their_points_are():
    """A line up the diagonal in the first colour, a flat one at the bottom in the second."""
    lines = {"up": [(0, 0), (1, 1)], "flat": [(0, 0), (1, 0)]}
    image = np.asarray(line_figure([Panel("title", lines), Panel("empty", {"up": [], "flat": []})], "step")).astype(int)
    blue = (np.abs(image - (0x00, 0x72, 0xB2)).sum(2) < 40)[TOP : TOP + HEIGHT, LEFT : LEFT + WIDTH]
    rows, columns = np.nonzero(blue)
    assert np.abs(rows / HEIGHT + columns / WIDTH - 1).max() < 0.02 and len(set(columns)) > 0.98 * WIDTH
    orange = (np.abs(image - (0xD5, 0x5E, 0x00)).sum(2) < 40)[TOP : TOP + HEIGHT + 2, LEFT : LEFT + WIDTH]
    assert set(np.nonzero(orange)[0]) <= {HEIGHT - 1, HEIGHT, HEIGHT + 1}
    second = image[TOP + 1 : TOP + HEIGHT, LEFT + WIDTH + RIGHT + LEFT + 1 : -RIGHT - 1]
    assert (np.ptp(second, axis=2) < 3).all(), "nothing in colour where nothing was logged"


def test_the_eighth_line_is_dashed():
    lines = {str(number): [(0, number), (1, number)] for number in range(8)}
    image = np.asarray(line_figure([Panel("", lines)], "")).astype(int)
    blue = np.abs(image - (0x00, 0x72, 0xB2)).sum(2)[TOP : TOP + HEIGHT + 2, LEFT : LEFT + WIDTH] < 40
    shares = sorted(row.mean() for row in blue if row.mean() > 0.3)
    assert any(0.5 < share < 0.8 for share in shares) and shares[-1] > 0.9


def test_a_figure_of_nothing_or_of_other_names_is_refused():
    for panels in ([], [Panel("", {"a": []}), Panel("", {"b": []})]):
        with pytest.raises(ValueError, match="needs panels"):
            line_figure(panels, "step")
