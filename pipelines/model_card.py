"""The model card: a method's template, filled in with what the run's own files say."""

import re
from collections.abc import Mapping
from string import Template
from typing import Any

from pipelines.carbon import emissions
from pipelines.method import Method

UNMEASURED, UNKNOWN = "not measured", "not recorded"


def model_card(
    method: Method,
    training: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> str:
    """Fill in the card of `method`; what nobody knows is said to be not measured, or not recorded.

    Args:
        training: training.json of the run. Its plain values fill fields of their names; $duration is its seconds in
            words; $carbon and $metadata are what it emitted; $metric_... are the metrics at the chosen checkpoint.
        evaluation: table.json of `python -m evaluation`, for $test_table.
        values: fields that no file tells, such as $rights; they go before all others.

    Raises:
        OSError: if the method has no card.
        ValueError: if a value belongs to no field of the card.
    """
    template = _template(method)
    names = template.get_identifiers()
    unknown = sorted(set(values or {}) - set(names))
    if unknown:
        raise ValueError(f"The card of {method.name} has no field {unknown[0]}; it has {', '.join(sorted(names))}.")
    known = {"repo_id": f"namespace/{method.name.replace('_', '-')}", "metadata": ""}
    known |= training_values(training or {})
    if evaluation:
        known["test_table"] = evaluation_markdown(evaluation)
    known |= {name: str(value) for name, value in (values or {}).items()}
    return template.substitute({name: known.get(name, _unknown(name)) for name in names})


def card_values(method: Method, card: str) -> dict[str, str] | None:
    """The fields of a card that `model_card` wrote, for writing it anew: `repo_id` and all that somebody knew.

    Returns:
        None if the card is not of today's template.
    """
    template = _template(method)
    pattern, last, seen = "", 0, set()
    for found in Template.pattern.finditer(template.template):
        name = found["named"] or found["braced"]
        pattern += re.escape(template.template[last : found.start()])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
        seen.add(name)
        last = found.end()
    matched = re.fullmatch(pattern + re.escape(template.template[last:]), card, re.DOTALL)
    if matched is None:
        return None
    return {name: text for name, text in matched.groupdict().items() if text not in (UNMEASURED, UNKNOWN)}


def _template(method: Method) -> Template:
    return Template((method.folder / method.card).read_text(encoding="utf-8"))


def training_values(training: Mapping[str, Any]) -> dict[str, str]:
    """Field -> text, see `model_card`."""
    known = {key: _number(value) for key, value in training.items() if isinstance(value, (str, int, float))}
    if isinstance(seconds := training.get("seconds"), (int, float)):
        known["duration"] = f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"
    if (emitted := emissions(training)) is not None:
        known |= {"carbon": str(emitted), "metadata": emitted.front_matter()}
    metrics = training.get("metrics") or {}
    return known | {f"metric_{key}": _number(value) for key, value in metrics.items() if value is not None}


def evaluation_markdown(evaluation: Mapping[str, Any]) -> str:
    """The tables of a table.json as Markdown, each under its title, with its footnotes and caption."""
    return "\n\n".join(_table(table) for table in evaluation.get("tables", [])) or UNMEASURED


def _table(table: Mapping[str, Any]) -> str:
    rows = table.get("rows", [])
    measures = list(dict.fromkeys(measure for row in rows for measure in row["measures"]))
    columns = table.get("columns") or [{"key": measure} for measure in measures]  # reports of old had none
    notes = list(dict.fromkeys(row["note"] for row in rows if row.get("note")))
    labels = [column.get("label", column["key"]) for column in columns]
    lines = ["| | " + " | ".join(labels) + " |", "|---|" + "---:|" * len(columns)]
    for row in rows:
        mark = f" [{notes.index(row['note']) + 1}]" if row.get("note") else ""
        cells = [_cell(row["measures"].get(column["key"]), column) for column in columns]
        lines.append(f"| {row['name']}{mark} | " + " | ".join(cells) + " |")
    footnotes = "  \n".join(f"[{number}] {note}" for number, note in enumerate(notes, 1))
    parts = (f"### {table.get('title', 'Results')}", "\n".join(lines), footnotes, table.get("caption", ""))
    return "\n\n".join(part for part in parts if part)


def _cell(cell: Mapping[str, Any] | None, column: Mapping[str, Any]) -> str:
    """A number in the digits and scale of its column, with its interval; four digits where the column says nothing."""
    if cell is None or cell.get("value") is None:
        return ""
    form, scale = (f".{column['digits']}f" if "digits" in column else ".4g"), column.get("scale", 1.0)
    value, low, high = (None if (number := cell.get(k)) is None else number * scale for k in ("value", "low", "high"))
    interval = f" [{low:{form}}, {high:{form}}]" if low is not None and high is not None else ""
    return f"{value:{form}}{interval}"


def _unknown(name: str) -> str:
    return UNMEASURED if name.startswith(("metric_", "test_")) else UNKNOWN


def _number(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
