"""README.md of an export: a data set card, made of the plan and counts alone."""

from collections.abc import Collection
from typing import Any

from study.export.dictionary import TABLES, markdown_text
from study.export.tables import StudyTables
from study.plan import Exclusions, Plan

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_NO_LICENCE = (
    "The organiser has stated no licence. Without one nobody but the organiser may pass these tables on or publish "
    "work made from them, except as the law allows."
)


def card(tables: StudyTables, formats: Collection[str], licence: str | None = None) -> str:
    """The card of an export in `formats`.

    Args:
        licence: an identifier that the Hub knows, such as "cc-by-4.0", or None.
    """
    plan = tables.plan
    parts = [
        f"---\n{_head(tables, formats, licence)}\n---",
        f"# {markdown_text(_title(plan))}",
        *([_demo_note()] if plan.demo else []),
        *([_open_note()] if tables.state == "open" else []),
        f"Answers of people who were asked which pictures are real and which are generated. Study `{plan.name}`, plan "
        f"SHA-256 `{plan.sha256}`, fixed before the first answer; `plan.json` holds it whole.",
        _counts(tables),
        _conditions(plan),
        _rules(plan),
        _files(formats),
        "## People\n\nParticipants consented to the text in the plan. The tables hold no name, address, token, hash of "
        "a recruiting platform's id, or time of day; pseudonyms are random and of this study alone. Who withdraws is "
        "deleted here too, at the next export. Answers to background questions may be free text, as typed.",
        "## Licence\n\n" + (f"`{markdown_text(licence)}`" if licence else _NO_LICENCE),
    ]
    return "\n\n".join(parts) + "\n"


def taken_down_card(plan: Plan) -> str:
    """In place of an export that had to go while the study is open again."""
    return (
        f"---\nlicense: unknown\nviewer: false\n---\n\n# {markdown_text(_title(plan))}\n\nThe study `{plan.name}`, "
        f"plan SHA-256 `{plan.sha256}`, is open again. Its tables come back when it is closed.\n"
    )


def exclusion_rules(rules: Exclusions, plan: Plan) -> list[str]:
    """Who is left out of the analysis, a sentence for each rule."""
    sentences = []
    if rules.finished:
        sentences.append("Participants who did not reach the end are left out.")
    if rules.gold_correct:
        sentences.append(f"Fewer than {rules.gold_correct} of {plan.gold} gold questions right: left out.")
    if rules.instructed_correct:
        told = f"Fewer than {rules.instructed_correct} of {plan.instructed} instructed questions answered as told"
        sentences.append(f"{told}: left out.")
    if rules.median_seconds:
        sentences.append(f"A median response time below {rules.median_seconds:g} s: left out.")
    for question in plan.background:
        if question.excludes:
            sentences.append(f"{question.key} answered with {' or '.join(question.excludes)}: left out.")
    return sentences or ["No participant is left out."]


def _head(tables: StudyTables, formats: Collection[str], licence: str | None) -> str:
    from huggingface_hub import DatasetCardData

    plan, rows = tables.plan, len(tables.answers)
    suffix = next((name for name in ("parquet", "csv") if name in formats), None)
    configs: list[dict[str, Any]] | None
    configs = [{"config_name": name, "data_files": f"{name}.{suffix}"} for name in TABLES] if suffix else None
    if configs:
        configs[0]["default"] = True
    data = DatasetCardData(
        language=list(plan.languages),
        license=licence or "unknown",
        pretty_name=_title(plan),
        tags=["human-evaluation", "real-or-generated", "danqing-study"],
        size_categories=[next((name for most, name in _SIZES if rows < most), "1M<n<10M")],
        configs=configs,
        # The viewer keeps a converted copy on a branch of its own, which a withdrawal would not reach at once.
        viewer=False,
    )
    return data.to_yaml()


def _title(plan: Plan) -> str:
    return " ".join((plan.title.get("en") or next(iter(plan.title.values()))).split())


def _demo_note() -> str:
    return "**A demonstration, no real study: nothing may be concluded from these answers.**"


def _open_note() -> str:
    return "**Interim: the study was open when this was exported. The analysis in the plan is of the closed study.**"


def _counts(tables: StudyTables) -> str:
    counts, wanted = tables.counts, tables.plan.sample_size.participants
    planned = f" of {wanted} planned" if wanted else ""
    return (
        f"{counts.consented} participants consented{planned} and did not withdraw, {counts.finished} reached the "
        f"end; {counts.questions} questions were shown, {counts.answered} answered."
    )


def _conditions(plan: Plan) -> str:
    lines = ["## Conditions", ""]
    for condition in plan.conditions:
        facts = [condition.model, condition.revision and f"revision {condition.revision}", condition.made]
        told = "; ".join(markdown_text(fact) for fact in facts if fact)
        label = markdown_text(condition.label)
        lines.append(f"- **{label}** (`{markdown_text(condition.name)}`)" + (f": {told}" if told else ""))
    return "\n".join(lines)


def _rules(plan: Plan) -> str:
    analysis = plan.analysis
    lines = ["## Rules fixed beforehand", ""]
    lines += [f"- {markdown_text(sentence)}" for sentence in exclusion_rules(plan.exclusions, plan)]
    lines += [
        f"- Intervals of {100 * analysis.level:g} %, estimand `{analysis.estimand}`, correction "
        f"`{analysis.correction}`.",
        f"- Equivalent to chance means within {100 * analysis.margin:g} points of it, each one-sided test at "
        f"{analysis.alpha:g}.",
    ]
    if plan.sample_size.assumptions:
        lines.append(f"- Sample size: {markdown_text(plan.sample_size.assumptions)}")
    return "\n".join(lines)


def _files(formats: Collection[str]) -> str:
    lines = ["## Files", "", "Nobody is left out of the tables: the exclusion rules are applied by the analysis.", ""]
    suffixes = [name for name in ("csv", "parquet") if name in formats]
    if suffixes:
        for name, meaning in TABLES.items():
            lines.append(f"- {' and '.join(f'`{name}.{suffix}`' for suffix in suffixes)}: {meaning}")
    if "json" in formats:
        lines.append("- `study.json`: plan and all tables in one file.")
    lines += [
        "- `plan.json`: the plan, and its hash.",
        "- `data_dictionary.md`, `data_dictionary.json`: what each column means.",
        "- `export.json`: counts, and the SHA-256 of each file of data.",
    ]
    return "\n".join(lines)
