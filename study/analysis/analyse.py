"""The analysis of a study: from the plan and the tidy tables to a report."""

import pandas as pd

from study.analysis.accuracy import accuracy_table, chance_table, group_tables, item_table
from study.analysis.agreement import agreement_table
from study.analysis.attention import attention_table, people_table
from study.analysis.comparison import comparison_table
from study.analysis.confidence import calibration_table, confidence_table
from study.analysis.exclusions import Selection, flow_table, select
from study.analysis.paper_layout import paper_table
from study.analysis.preference import preference_table
from study.analysis.report import Report, Source
from study.analysis.response_times import response_time_table
from study.analysis.sensitivity import position_table, sensitivity_table
from study.analysis.tables import Table
from study.analysis.tasks import Task, tasks
from study.plan import Plan


def analyse(plan: Plan, answers: pd.DataFrame, participants: pd.DataFrame) -> Report:
    """Everything that the plan's analysis says, on the tidy tables of its study.

    Figures that the data cannot give are NA with a reason; no data at all give a report of such figures.

    Raises:
        ValueError: for tables that are not tidy: columns missing, questions or participants twice, foreign conditions.
    """
    selection = select(plan, answers, participants)
    found = tasks(plan, selection.answers)
    originals = {stimulus.key: stimulus.original for stimulus in plan.pictures}
    tables = [flow_table(selection), people_table(plan, selection), attention_table(plan, selection)]
    for task in found:
        tables += _task_tables(task, plan, selection, originals)
    source = Source(
        what="plan",
        name=plan.name,
        sha256=plan.sha256,
        people=len(selection.participants),
        answers=len(selection.answers),
        items=selection.answers["item"].nunique(),
        chance=tuple(task.chance for task in found),
        analysis=plan.analysis,
        demo=plan.demo,
    )
    title = plan.title.get("en") or next(iter(plan.title.values()))
    return Report(f"{title}: results", source, tables, _notes(plan, selection))


def _task_tables(task: Task, plan: Plan, selection: Selection, originals: dict[str, str]) -> list[Table]:
    settings = plan.analysis
    counts = {
        task.labels.get(name, name): [
            (int(of["correct"].sum()), len(of)) for _, of in task.of(name).groupby("item", sort=True)
        ]
        for name in task.conditions
    }
    return [
        accuracy_table(task, settings),
        chance_table(task, settings),
        comparison_table(task, settings),
        *([preference_table(task, settings)] if task.kind == "more_real" else []),
        sensitivity_table(task, settings),
        position_table(task, settings),
        *group_tables(task, plan, selection),
        response_time_table(task, settings),
        confidence_table(task, settings),
        calibration_table(task, settings),
        agreement_table(task, settings),
        paper_table(counts, task.chance, task.basis, task.suffix, f": {task.title}"),
        item_table(task, settings, originals),
    ]


def _notes(plan: Plan, selection: Selection) -> list[str]:
    reached, finished = len(selection.participants), int(selection.consented["finished"].sum())
    notes = [
        f"{len(selection.consented)} people consented, {finished} reached the end, {reached} are analysed; "
        "participants who withdrew are in no table."
    ]
    if plan.demo:
        notes.insert(0, "A demonstration: these results are of no study.")
    if plan.sample_size.participants:
        asked = plan.sample_size.participants
        short = (
            "as planned" if reached >= asked else f"{asked - reached} fewer than planned: the power is below the plan's"
        )
        notes.append(f"Planned sample: {asked} people; {short}. {plan.sample_size.assumptions}".strip())
    return notes
