"""A report: tables and notes with where they come from, written for a reviewer."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from study.analysis.inference import ESTIMANDS
from study.analysis.tables import Table, safe, table_json, table_latex, table_markdown
from study.plan import AnalysisPlan


@dataclass(frozen=True)
class Source:
    """What was analysed and how.

    Args:
        what: "plan" or "counts".
        sha256: of the plan, or of the counts.
        people: participants analysed.
        answers, items: analysed.
        chance: levels of the study's questions.
    """

    what: str
    name: str
    sha256: str
    people: int
    answers: int
    items: int
    chance: tuple[float, ...]
    analysis: AnalysisPlan
    demo: bool = False

    @property
    def estimand(self) -> str:
        """In words. Counts alone give figures for both, as the heads of their columns say."""
        both = "these items, or items like these, as the columns say"
        return ESTIMANDS[self.analysis.estimand] if self.what == "plan" else both


@dataclass(frozen=True)
class Report:
    """All that an analysis found. Equal data and plan give an equal report."""

    title: str
    source: Source
    tables: Sequence[Table]
    notes: Sequence[str] = ()

    def table(self, name: str) -> Table:
        """The table of that name; KeyError lists the names there are."""
        found = next((table for table in self.tables if table.name == name), None)
        if found is None:
            raise KeyError(f"There is no table {name!r}: {', '.join(table.name for table in self.tables)}.")
        return found

    def caption(self, table: Table, short: bool = False) -> str:
        """What every table says of itself: source, N, chance, level, estimand, method, seed."""
        source, plan, basis = self.source, self.source.analysis, table.basis
        digest = source.sha256[:16] if short else source.sha256
        chance = "no chance level" if basis.chance is None else f"chance {100 * basis.chance:.2f} %"
        demo = "A demonstration, not a study. " if source.demo else ""
        return (
            f"{demo}{source.what.capitalize()} {source.name}, SHA-256 {digest}; {basis.people} people, "
            f"{basis.answers} answers, {basis.items} items, {chance}; intervals of {100 * plan.level:g} %; estimand: "
            f"{source.estimand}; {plan.resamples} resamples, seed {plan.seed}. {table.method}"
        )

    def to_markdown(self) -> str:
        """The whole report."""
        tables = [table_markdown(table, self.caption(table)) for table in self.tables]
        notes = "\n".join(f"- {safe(note)}" for note in self.notes)
        facts = "\n".join(f"- {key}: {value}" for key, value in self.facts().items())
        return "\n\n".join(part for part in (f"# {safe(self.title)}", notes, *tables, "## Facts", facts) if part) + "\n"

    def to_latex(self) -> str:
        """All tables, each a float with the rules of booktabs: \\usepackage{booktabs}."""
        head = "% Needs \\usepackage{booktabs}; titles in Chinese need XeLaTeX or LuaLaTeX with a font that has them.\n"
        tables = [
            table_latex(table, self.caption(table, short=True), f"{self.source.what} SHA-256 {self.source.sha256}")
            for table in self.tables
        ]
        return head + "\n".join(tables)

    def to_json(self) -> str:
        """Everything in plain types; a missing figure is {"value": null, "reason": ...}."""
        content: dict[str, Any] = {
            "title": self.title,
            "source": asdict(self.source),
            "facts": self.facts(),
            "notes": list(self.notes),
            "tables": [table_json(table) | {"caption": self.caption(table)} for table in self.tables],
        }
        return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def facts(self) -> dict[str, str]:
        """The settings of the analysis and the libraries' versions."""
        plan, source = self.source.analysis, self.source
        return {
            f"{source.what} SHA-256": source.sha256,
            "people, answers, items": f"{source.people}, {source.answers}, {source.items}",
            "chance": ", ".join(f"{100 * chance:.2f} %" for chance in source.chance),
            "level": f"{100 * plan.level:g} %",
            "estimand": source.estimand,
            "equivalence margin": f"±{100 * plan.margin:g} points, alpha {plan.alpha:g}",
            "correction": plan.correction,
            "resamples and seed": f"{plan.resamples}, {plan.seed}",
            **{name: version(name) for name in ("numpy", "scipy", "pandas", "statsmodels", "krippendorff")},
        }


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write report.md, report.tex, report.json, tables/NAME.csv and plots/NAME.png and .svg; returns their paths."""
    from study.analysis.plots import plots  # matplotlib takes a second to import

    contents: dict[str, bytes] = {
        "report.md": report.to_markdown().encode(),
        "report.tex": report.to_latex().encode(),
        "report.json": report.to_json().encode(),
    }
    contents |= {
        f"tables/{t.name}.csv": t.frame().to_csv(index=False, lineterminator="\n").encode() for t in report.tables
    }
    contents |= {f"plots/{name}": data for name, data in plots(report).items()}
    files = []
    for name, data in contents.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        files.append(file)
    return files
