"""The Quiz tab: a study's pages inside the app, the same that participants open by their link."""

import html
from collections.abc import Mapping, Sequence

import gradio as gr

from study.plan import Plan
from ui.languages import add_strings, label

STRINGS = {
    "en": {
        "quiz_tab": "Quiz",
        "quiz_intro": "Can you tell a painting from a program's work? Take part in a study, or try the demonstration.",
        "quiz_study": "Study",
        "quiz_none": "No study is open here.",
        "quiz_off": "Studies are switched off: their storage could not be opened. The server's log says why.",
    },
    "zh": {
        "quiz_tab": "测验",
        "quiz_intro": "您能分辨画作与程序的作品吗？欢迎参加研究，或试试演示。",
        "quiz_study": "研究",
        "quiz_none": "目前没有开放的研究。",
        "quiz_off": "研究功能未启用：无法打开其存储。原因见服务器日志。",
    },
}
add_strings(STRINGS)

CSS = """
.quiz-frame iframe {
  width: 100%; height: min(1000px, 88vh); border: 1px solid var(--border-color-primary);
  border-radius: var(--block-radius); background: var(--block-background-fill);
}
"""


def quiz_tab(plans: Sequence[Plan] | None, path: str) -> None:
    """Lay out the tab.

    Args:
        plans: of the open studies, the one to show first in front; None where studies could not be opened.
        path: where the studies' pages lie below the app's address, "/study".
    """
    gr.Markdown(label("quiz_intro"), elem_classes="caption")
    if not plans:
        gr.Markdown(label("quiz_off" if plans is None else "quiz_none"), elem_classes="notice")
        return
    names = [(_title(plan), plan.name) for plan in plans]
    chosen = gr.Dropdown(
        names, value=plans[0].name, label=label("quiz_study"), visible=len(plans) > 1, elem_id="quiz-study"
    )
    frame = gr.HTML(_frame(plans[0].name, path), elem_classes="quiz-frame", elem_id="quiz-frame", padding=False)
    allowed = {plan.name for plan in plans}
    chosen.change(
        lambda name: _frame(name if name in allowed else plans[0].name, path),
        chosen,
        frame,
        api_visibility="private",
        show_progress="hidden",
    )


def _title(plan: Plan) -> str:
    """In all languages: the choices of a dropdown are not translated by the page."""
    texts: Mapping[str, str] = plan.title
    return " / ".join(dict.fromkeys(texts[language] for language in plan.languages))


def _frame(name: str, path: str) -> str:
    # Relative: the app may lie below another address. The link opens the same page outside the frame.
    address = html.escape(f"{path.lstrip('/')}/take/{name}")
    return (
        f'<p><a href="{address}" target="_blank" rel="noopener">↗ Full page · 单独打开</a></p>'
        f'<iframe src="{address}" title="Study · 研究"></iframe>'
    )
