"""The paper's published counts and counts of a user's own."""

import json

import numpy as np
import pandas as pd
import pytest

from study.analysis import analyse_counts, published_counts, read_counts, write_report
from study.analysis.item_sample import ItemSample
from study.analysis.tables import NA, Interval
from study.plan import AnalysisPlan

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def report():
    return analyse_counts(published_counts())


def bounds(interval: Interval, digits: int) -> list[float]:
    return [round(100 * interval.low, digits), round(100 * interval.high, digits)]


def test_published_figures(report):
    unet, resnet = report.table("accuracy").rows
    assert [(one["right"], one["asked"]) for one in (unet, resnet)] == [(122, 825), (165, 825)]
    assert round(100 * unet["accuracy"], 2) == 14.79 and round(100 * resnet["accuracy"], 2) == 20.00
    assert bounds(unet["wilson"], 1) == [12.5, 17.4] and bounds(resnet["wilson"], 1) == [17.4, 22.9]
    assert bounds(unet["over_items"], 0) == [8, 21] and bounds(resnet["over_items"], 0) == [0, 40]
    for row in (unet, resnet):
        assert row["wilson"].high - row["wilson"].low < row["resampled"].high - row["resampled"].low
        assert row["resampled"].high - row["resampled"].low < row["over_items"].high - row["over_items"].low


def test_both_lie_below_chance_and_neither_is_equivalent_to_it(report):
    for row in report.table("chance").rows:
        assert row["p_exact_adjusted"] < 0.001 and row["verdict_answers"] == "below chance"
        assert row["tost_answers"] > 0.05 and row["tost_items"] > 0.05
        assert "equivalent" not in row["verdict_answers"] + row["verdict_items"]
    assert report.table("chance").rows[1]["verdict_items"] == "not shown to differ from chance"


def test_over_items_the_networks_cannot_be_told_apart(report):
    row = report.table("comparison").rows[0]
    assert row["verdict"] == "not told apart over items" and row["p"] > 0.3
    assert row["interval"].low < 0 < row["interval"].high and row["resampled"].low < 0 < row["resampled"].high


def test_it_names_what_counts_cannot_give(report):
    named = " ".join(f"{row['figure']} {row['why']}" for row in report.table("cannot").rows)
    for word in ("people cannot be resampled", "response times", "agreement", "crossed interval", "confidence"):
        assert word in named
    assert "What item counts cannot give" in report.to_markdown()


def test_layout_of_the_paper(report):
    rows = report.table("paper").rows
    found = [[row[f"q{number}"] for number in range(1, 6)] for row in rows]
    assert found == [[26, 30, 34, 19, 13], [76, 15, 40, 25, 9]]
    assert "14.79 %" in report.to_markdown() and r"14.79 \%" in report.to_latex()


def test_report_names_its_source_and_can_be_written(report, tmp_path):
    digest = report.source.sha256
    assert len(digest) == 64 and all(digest in report.caption(table) for table in report.tables)
    assert analyse_counts(published_counts().assign(extra=1)).source.sha256 == digest
    names = {file.relative_to(tmp_path).as_posix() for file in write_report(report, tmp_path)}
    assert {"report.md", "report.tex", "report.json", "plots/accuracy.png", "tables/cannot.csv"} <= names


def test_t_over_items_is_the_textbooks_for_equal_numbers():
    shares = np.array([26, 30, 34, 19, 13]) / 165
    sample = ItemSample("unet", published_counts().iloc[:5], AnalysisPlan())
    error, df = sample.spread()
    assert error == pytest.approx(shares.std(ddof=1) / 5**0.5) and df == 4
    draws = sample.draws()
    assert len(draws) == 5**5 and draws.mean() == pytest.approx(shares.mean())
    assert draws.var() == pytest.approx(shares.var() / 5)  # all resamples, so without Monte Carlo error


def test_own_counts_from_a_csv(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("\ufeffcondition,item,right,asked\n模型,a,5,10\n模型,b,0,12\none,c,9,9\n", encoding="utf-8")
    report = analyse_counts(read_counts(file), chance=0.5, title="own")
    first, single = report.table("accuracy").rows
    assert first["condition"] == "模型" and first["accuracy"] == pytest.approx(5 / 22)
    assert isinstance(single["over_items"], NA) and single["wilson"].high == pytest.approx(1)
    assert isinstance(report.table("comparison").rows[0]["verdict"], NA)
    json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))


@pytest.mark.parametrize("right", [[0, 0, 0], [10, 10, 10], [3, 3, 3]])
def test_items_all_alike_are_missing_with_a_reason(right):
    table = pd.DataFrame({"condition": ["a"] * 3, "item": range(3), "right": right, "asked": 10})
    report = analyse_counts(table)
    assert isinstance(report.table("accuracy").rows[0]["over_items"], NA)
    assert report.table("comparison").rows == [] and "nan" not in report.to_markdown()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("condition,item,right\na,1,2", "asked is missing"),
        ("condition,item,right,asked\n", "There are no counts"),
        ("condition,item,right,asked\na,1,5,4", "0 to `asked` right answers"),
        ("condition,item,right,asked\na,1,-1,4", "0 to `asked` right answers"),
        ("condition,item,right,asked\na,1,0,0", "at least once"),
        ("condition,item,right,asked\na,1,x,4", "right holds whole numbers"),
        ("condition,item,right,asked\na,1,1.5,4", "right holds whole numbers"),
        ("condition,item,right,asked\na,1,1,4\na,1,1,4", "stands there twice"),
        ("", "no CSV of counts"),
    ],
)
def test_other_files_are_refused_with_a_sentence(tmp_path, content, message):
    file = tmp_path / "counts.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match=message):
        read_counts(file)


def test_chance_is_a_probability():
    with pytest.raises(ValueError, match="between 0 and 1"):
        analyse_counts(published_counts(), chance=25)
