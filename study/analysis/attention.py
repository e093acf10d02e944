"""Who took part and how attentively: gold and instructed questions, languages and background."""

from study.analysis.exclusions import Selection, basis
from study.analysis.tables import NA, Column, Row, Table
from study.plan import Plan


def attention_table(plan: Plan, selection: Selection) -> Table:
    """Practice, gold and instructed questions of all who consented, and how many passed the plan's rule."""
    rows: list[Row] = []
    least = {"gold": plan.exclusions.gold_correct, "instructed": plan.exclusions.instructed_correct}
    for role in ("practice", "gold", "instructed"):
        shown = selection.everything[selection.everything["role"] == role]
        answered = shown[shown["correct"].notna()]
        right = answered.groupby("participant")["correct"].sum()
        asked = shown["participant"].nunique()
        rule = least.get(role, 0)
        rows.append(
            {
                "role": role,
                "people": asked,
                "shown": len(shown),
                "answered": len(answered),
                "right": int(answered["correct"].sum()),
                "share": float(answered["correct"].astype(float).mean()) if len(answered) else NA("no such answers"),
                "rule": f"at least {rule} right" if rule else "none",
                "passed": int((right >= rule).sum()) if rule else NA("no rule"),
            }
        )
    columns = [
        Column("role", "questions"),
        Column("people", "people asked", "count"),
        Column("shown", "shown", "count"),
        Column("answered", "answered", "count"),
        Column("right", "right", "count"),
        Column("share", "right of those answered", "percent"),
        Column("rule", "rule of the plan"),
        Column("passed", "people who passed", "count"),
    ]
    method = "All who consented, before any exclusion. None of these questions enters an accuracy."
    return Table("attention", "Attention", columns, rows, basis(selection.everything), method)


def people_table(plan: Plan, selection: Selection) -> Table:
    """Languages and background of those who consented and of those analysed."""
    rows: list[Row] = []
    topics = {"language": {language: language for language in plan.languages}}
    topics |= {
        f"background_{q.key}": {value: texts.get("en", value) for value, texts in q.options.items()}
        for q in plan.background
        if q.options
    }
    for column, options in topics.items():
        if column not in selection.consented.columns:
            continue
        tables = [selection.consented[column], selection.participants[column]]
        name = column.removeprefix("background_")
        for value, label in options.items():
            consented, analysed = (int((table == value).sum()) for table in tables)
            rows.append({"topic": name, "value": label, "consented": consented, "analysed": analysed})
        consented, analysed = (int((~table.isin(options)).sum()) for table in tables)
        if consented:
            rows.append({"topic": name, "value": "no answer", "consented": consented, "analysed": analysed})
    columns = [
        Column("topic", "question"),
        Column("value", "answer"),
        Column("consented", "consented", "count"),
        Column("analysed", "analysed", "count"),
    ]
    return Table("people", "Participants", columns, rows, basis(selection.answers), "Counts of participants.")
