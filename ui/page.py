"""The page as other programs see it: every call checked, told in a sentence when it fails, and logged."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.utils import get_function_description

from ui.job_log import note, note_error, recorded
from ui.languages import UserError, strings
from ui.workers import awaited

MAX_CHARACTERS, MAX_VALUES, MAX_DEPTH = (
    3_000_000,
    2_000,
    12,
)  # of all inputs of one call; strokes and pictures need most
EXAMPLE_PICTURE = {"path": "picture.png", "orig_name": "picture.png", "meta": {"_type": "gradio.FileData"}}


class Page(gr.Blocks):
    """A page each of whose events can be called by name or number, over whichever of gradio's ways."""

    async def process_api(
        self,
        block_fn: Any,
        inputs: list[Any],
        state: Any = None,
        request: Any = None,
        *arguments: Any,
        **options: Any,
    ) -> dict[str, Any]:
        """As gradio's, with a sentence in place of whatever is raised, and a line in the log."""
        function = self.fns[block_fn] if isinstance(block_fn, int) else block_fn
        with recorded(_name_of(function)):
            awaited.set(self._awaited(options.get("event_id")))
            try:
                _check_size(inputs)
                _check_event(function.fn, options.get("event_data"))
                return await super().process_api(function, inputs, state, request, *arguments, **options)
            except gr.Error as error:
                if getattr(error, "print_exception", True):  # gradio's own, from a component: it names no trace
                    note(outcome="refused", reason=type(error).__name__)
                    error.print_exception = False
                raise
            except UserError as error:
                note(outcome="refused", reason=error.key)
                raise error.shown(_one(request)) from error
            except Exception as error:
                note_error(error)
                raise UserError("error_unexpected").shown(_one(request)) from error

    def _awaited(self, event_id: str | None) -> Callable[[], bool]:
        """Whether the line is open on which a call's answer is to be sent: the page was not closed meanwhile."""
        event = self._queue.event_ids_to_events.get(event_id) if event_id else None
        return lambda: event is None or event.alive

    async def preprocess_data(self, *arguments: Any, **options: Any) -> Any:
        """As gradio's; what it cannot make sense of is the caller's to put right."""
        try:
            return await super().preprocess_data(*arguments, **options)
        except (gr.Error, UserError):
            raise
        except Exception as error:
            raise UserError("error_request") from error

    def get_api_info(self, *arguments: Any, **options: Any) -> Any:
        """As gradio's, in English, with each parameter's description, and with examples that work here."""
        info = super().get_api_info(*arguments, **options)
        functions = {f"/{function.api_name}": function for function in self.fns.values() if function.fn}
        for name, endpoint in info["named_endpoints"].items():
            _, described, returned = get_function_description(functions[name].fn)
            inputs = [block for block in functions[name].inputs if not block.skip_api]
            for block, parameter in zip(inputs, endpoint["parameters"], strict=True):
                _describe(parameter, block, described.get(parameter["parameter_name"], ""))
            for number, value in enumerate(endpoint["returns"]):
                value["label"] = _in_english(value["label"])
                value["python_type"]["description"] = returned[number] if number < len(returned) else ""
        return info


def _describe(parameter: dict[str, Any], block: Any, description: str) -> None:
    parameter["label"] = _in_english(parameter["label"])
    parameter["python_type"]["description"] = description
    if hasattr(block, "api_default"):
        parameter |= {"parameter_has_default": True, "parameter_default": block.api_default}
    if "filepath" in parameter["python_type"]["type"]:
        several = parameter["python_type"]["type"].startswith("list")
        parameter["example_input"] = [EXAMPLE_PICTURE] if several else EXAMPLE_PICTURE
    elif parameter["parameter_has_default"]:
        parameter["example_input"] = parameter["parameter_default"]


def _in_english(text: Any) -> Any:
    """A label that the browser would translate."""
    key = getattr(text, "key", None)
    if key is None and isinstance(text, str) and text.startswith("__i18n__"):
        key = text.rsplit('"key": "', 1)[-1].split('"')[0]
    return strings("en").get(key, text) if key else text


def _name_of(function: Any) -> str:
    return str(function.api_name or function.name)


def _one(request: Any) -> Any:
    """The request; a call that claims to be a batch has a list of them."""
    return request[0] if isinstance(request, list) and request else request


def _check_size(inputs: Any) -> None:
    """UserError for more than any page sends: gradio walks through all values, and as deep as they go."""
    characters = 0
    for values, (value, depth) in enumerate(_walked(inputs)):
        characters += len(value) if isinstance(value, str) else 0
        if values > MAX_VALUES or characters > MAX_CHARACTERS or depth > MAX_DEPTH:
            raise UserError("error_request")


def _walked(value: Any) -> Iterator[tuple[Any, int]]:
    """Every value and key inside, with its depth, without recursion."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        yield one, depth
        if isinstance(one, dict):
            waiting.extend((inner, depth + 1) for pair in one.items() for inner in pair)
        elif isinstance(one, list | tuple):
            waiting.extend((inner, depth + 1) for inner in one)


def _check_event(function: Any, event: Any) -> None:
    """UserError where a function asks which picture was chosen, and the call does not tell."""
    if function is None:
        raise UserError("error_request")  # a script's event: nothing to run here
    wanted = any(one.annotation is gr.SelectData for one in inspect.signature(function).parameters.values())
    if wanted:
        data = getattr(event, "_data", None)
        if not isinstance(data, dict) or not {"index", "value"} <= set(data):
            raise UserError("error_request")
