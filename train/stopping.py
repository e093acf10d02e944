"""What may end a run before its last step: a signal, or numbers that are not finite."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import nn


class NonFiniteError(ArithmeticError):
    """A loss or a weight became NaN or infinite; the message names the phase or network, and the step."""


def check_weights(networks: Mapping[str, nn.Module], step: int) -> None:
    """Raise `NonFiniteError` where a network holds NaN or infinity, which a finite loss can leave behind."""
    for name, network in networks.items():
        if not all(value.isfinite().all() for value in network.state_dict().values()):
            raise NonFiniteError(f"The weights of network {name} are not finite at step {step}.")


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM and the first Ctrl-C into a wish that the loop asks for; a second Ctrl-C interrupts."""
    asked: list[int] = []

    def ask(number: int, _: Any) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    try:
        old = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    except ValueError:  # not the main thread: signals are somebody else's
        old = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
