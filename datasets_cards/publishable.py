"""Which pictures may be published again, told by what a row says of its licence and its rights.

Free text cannot be judged by a program. So a licence counts only where it names one that allows publication and
nothing in it speaks against that; whatever else it says is for a person to judge (`allow`).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_ALLOWS = re.compile(
    r"\bCC0\b|\bCC[- ]BY(?:[- ]SA)?\b|\bpublic domain\b|\bPD\b|\bMIT\b|\bApache[- ](?:License )?2|\bBSD\b|\bODbL\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:none|not|nothing) (?:is )?stated\b|\bstates none\b|\bno licen[cs]e\b|\bunknown\b|\bunclear\b|\bmixed\b"
    r"|\bin copyright\b|\brights reserved\b|\brights with\b|\bresearch (?:use|only|dataset)\b|\bpersonal use\b"
    r"|\bnon-?commercial\b|\bnot verified\b|\bcovers code\b|\bterms\b|\b(?:NC|ND)\b",
    re.IGNORECASE,
)


def refusal(row: Mapping[str, Any], allow: Sequence[str] = ()) -> str | None:
    """Why the picture of `row` may not be published; None if it may.

    Args:
        row: its columns `licence` and, where the set has it, `rights` ("open" or "research").
        allow: beginnings of licences that the publisher has checked and found to allow it.
    """
    rights, licence = row.get("rights"), (row.get("licence") or "").strip()
    if rights is not None and rights != "open":
        return f"rights {rights or 'not stated'}"
    if not licence:
        return "no licence stated"
    if any(licence.startswith(beginning) for beginning in allow if beginning):
        return None
    if _DENIES.search(licence) or not _ALLOWS.search(licence):
        return f"licence {licence}"
    return None
