"""The page in English and Chinese.

Labels are chosen by the browser (`gr.I18n`). Messages that are made while the app runs are chosen here, by the
request's Accept-Language header, because gradio shows the raw key of a label in errors, notices and progress bars.
"""

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from ui.texts import TEXTS

LANGUAGES = ("en", "zh")
_CHINESE_LOCALES = ("zh", "zh-CN", "zh-TW", "zh-HK", "zh-SG")  # the page matches a browser's locale by its full tag

_STRINGS: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}


def add_strings(strings: Mapping[str, Mapping[str, str]]) -> None:
    """Make a tab's strings known: {language: {key: text}}. Adding the same strings again changes nothing.

    Raises:
        ValueError: if the languages are not those of the page, their keys differ, or a key has another text already.
    """
    if set(strings) != set(LANGUAGES):
        raise ValueError(f"Strings are needed in {', '.join(LANGUAGES)}; got {', '.join(sorted(strings))}.")
    keys = {language: set(texts) for language, texts in strings.items()}
    if uneven := set.union(*keys.values()) - set.intersection(*keys.values()):
        raise ValueError(f"These strings lack a language: {', '.join(sorted(uneven))}.")
    for language, texts in strings.items():
        known = _STRINGS[language]
        if clash := [key for key, text in texts.items() if known.get(key, text) != text]:
            raise ValueError(f"These strings have another text already: {', '.join(sorted(clash))}.")
        known.update(texts)


def strings(language: str) -> dict[str, str]:
    """All texts of one language by key, a copy."""
    return dict(_STRINGS[language])


def label(key: str) -> Any:
    """A label that the browser translates; KeyError for a text that nobody added."""
    if key not in _STRINGS["en"]:
        raise KeyError(f"There is no text called {key!r}.")
    return gr.I18n()(key)


def translations() -> gr.I18n:
    """What `launch(i18n=...)` takes, with everything added so far: build the page first."""
    return gr.I18n(en=_STRINGS["en"], **dict.fromkeys(_CHINESE_LOCALES, _STRINGS["zh"]))


def language_of(request: gr.Request | None) -> str:
    """The language of the page that sent `request`: the browser's first choice; English for other programs."""
    accepted = request.headers.get("accept-language", "") if request is not None else ""
    return "zh" if accepted.strip().lower().startswith("zh") else "en"


def say(request: gr.Request | None, key: str, **values: Any) -> str:
    """The text called `key` in the language of `request`, with `values` filled in."""
    return _STRINGS[language_of(request)][key].format(**values)


class UserError(ValueError):
    """Something the person at the page can put right: a text by key, and the values it names."""

    def __init__(self, key: str, **values: Any):
        super().__init__(_STRINGS["en"][key].format(**values))
        self.key, self.values = key, values

    def __reduce__(self) -> tuple[Any, ...]:
        return _user_error, (self.key, self.values)

    def shown(self, request: gr.Request | None) -> gr.Error:
        """The message for the page, in its language, without a stack trace."""
        values = {name: html.escape(str(value)) for name, value in self.values.items()}  # the page renders HTML here
        return gr.Error(say(request, self.key, **values), duration=30, print_exception=False)


def _user_error(key: str, values: dict[str, Any]) -> UserError:
    return UserError(key, **values)


add_strings(TEXTS)
