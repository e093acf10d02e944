"""What a training run emitted, estimated from its time and machine.

Energy is time times power; power is the machine's cores or accelerators at full load, times what the building adds.
The constants are those that Green Algorithms (Lannelongue, Grealey and Inouye 2021) takes where nothing better is
known. Memory, disks and the making of the machine are left out. It is an order of magnitude, not a measurement.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WATTS_PER_THREAD = 12.0  # "any CPU", a core at full load; a thread here is one of PyTorch's, on a core of its own
WATTS_PER_ACCELERATOR = {"H200": 700.0, "H100": 700.0, "A100": 400.0, "L40S": 350.0, "L4": 72.0, "T4": 70.0}
WATTS_ANY_ACCELERATOR = 200.0
BUILDING = 1.67  # power usage effectiveness, the average data centre's
GRAMS_PER_KWH = 475.0  # CO2 equivalent, the world's average electricity
METHOD = "estimate after Green Algorithms (12 W a CPU thread, 1.67 for the building, 475 g CO2eq a kWh)"


@dataclass(frozen=True)
class Emissions:
    """Energy in kilowatt-hours and its CO2 equivalent in grams."""

    seconds: float
    kilowatt_hours: float
    grams: float
    machine: str

    def __str__(self) -> str:
        return f"about {_two_digits(self.grams)} g CO2eq, {_two_digits(self.kilowatt_hours)} kWh: {METHOD}"

    def front_matter(self) -> str:
        """The block that the Hub reads from a model card's metadata."""
        texts = {"source": METHOD, "training_type": "pre-training", "hardware_used": self.machine}
        lines = [f"  {key}: {json.dumps(text, ensure_ascii=False)}" for key, text in texts.items()]
        return "\n".join(("co2_eq_emissions:", f"  emissions: {_two_digits(self.grams)}", *lines))


def emissions(training: Mapping[str, Any]) -> Emissions | None:
    """What the run of a training.json emitted, its earlier stages and other networks counted.

    Args:
        training: `seconds` and `machine` of the run; `total_seconds`, where earlier stages are told in words only;
            else `earlier_stages` and `editing`, each with seconds of their own.

    Returns:
        None where time or machine are not recorded, or no thread or accelerator is named in the machine.
    """
    machine, seconds = training.get("machine"), _seconds(training)
    watts = _watts(machine) if isinstance(machine, str) else None
    if not seconds or watts is None:
        return None
    kilowatt_hours = seconds / 3600 * watts * BUILDING / 1000
    return Emissions(seconds, kilowatt_hours, kilowatt_hours * GRAMS_PER_KWH, str(machine))


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):g}"


def _seconds(training: Mapping[str, Any]) -> float:
    if total := training.get("total_seconds"):
        return float(total)
    others = [*(training.get("earlier_stages") or []), *(training.get("editing") or {}).values()]
    return sum(part.get("seconds") or 0 for part in (training, *others) if isinstance(part, Mapping))


def _watts(machine: str) -> float | None:
    """Power of "2 processes on 4 threads of a CPU (...)", "1 process on x86_64 CPU, 2 threads", "8 x NVIDIA H200"."""
    if "CPU" in machine and (threads := re.search(r"(\d+) threads?", machine)):
        return int(threads[1]) * WATTS_PER_THREAD
    named = next((watts for name, watts in WATTS_PER_ACCELERATOR.items() if name in machine), WATTS_ANY_ACCELERATOR)
    count = re.match(r"(\d+) x ", machine)
    return (int(count[1]) if count else 1) * named if re.search("NVIDIA|AMD|GPU|cuda", machine) else None
