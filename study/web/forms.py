"""What a browser sends, taken apart and limited before anything else sees it."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from study.sessions import Recruit, Refused

MOST_BYTES = 64 * 1024
_MOST_FIELDS = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # PostgreSQL stores no NUL, and nobody types the others
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # what MTurk sends before a task is accepted

# platform -> the names of participant, study and submission in its addresses
PLATFORMS = {
    "prolific": ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID"),
    "mturk": ("workerId", "hitId", "assignmentId"),
}
NAMES = tuple(name for names in PLATFORMS.values() for name in names)


async def _read(request: Request) -> dict[str, str]:
    """The fields of an urlencoded form.

    Raises:
        HTTPException: 413 for more than `MOST_BYTES`, 422 for another kind of body, too many fields or one sent twice.
    """
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(422)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:  # UnicodeDecodeError among them
        raise HTTPException(422) from error
    values = {name: _CONTROL.sub("", value) for name, value in fields}
    if len(values) != len(fields):
        raise HTTPException(422)
    return values


Form = Annotated[dict[str, str], Depends(_read)]


def recruit_of(values: Mapping[str, str]) -> Recruit | None:
    """Who sent the person, by the ids in the study's address or in the consent form; None: nobody did.

    Raises:
        Refused: "malformed" ids: longer than 64 signs, or other signs than letters, digits, - and _.
    """
    for platform, names in PLATFORMS.items():
        participant, study, submission = (values.get(name, "") for name in names)
        if not participant:
            continue
        if not all(_ID.fullmatch(one) for one in (participant, study, submission) if one):
            raise Refused("malformed")
        return Recruit(platform, participant, f"{study}/{submission}")
    return None


def is_preview(values: Mapping[str, str]) -> bool:
    """Whether a platform only shows the study to somebody who has not accepted it yet."""
    return values.get("assignmentId") == _PREVIEW


def width_of(values: Mapping[str, str]) -> int | None:
    """Width of the browser's window in CSS pixels; None where it is not told or makes no sense."""
    text = values.get("width", "")
    return int(text) if re.fullmatch(r"[0-9]{2,5}", text) else None
