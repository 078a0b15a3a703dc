"""What can be asked of the service: a method on a path, what it takes, and every answer it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pushserver.config import Scope

Schema = Mapping[str, Any]
"""A JSON schema, draft 2020-12: https://spec.openapis.org/oas/v3.1.0#schema-object."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """Of the query unless ``where`` says ``path``."""

    name: str
    schema: Schema
    description: str
    where: str = "query"


@dataclass(frozen=True, slots=True)
class Answer:
    """One status: what it means, what the envelope's ``message`` says, and what ``data`` holds.

    Without ``data`` there is none. ``text`` is the content type of an answer that is no envelope.
    """

    meaning: str
    message: str = ""
    data: Schema | None = None
    data_is_optional: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One of them; ``answers`` beside those that all share.

    ``scope`` is what a key needs for it; ``None`` means that nobody is asked. ``by_recipient``: a key for
    certain recipients opens it for these.
    """

    id: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, Answer]
    scope: Scope | None
    tag: str
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    body_is_optional: bool = False
    by_recipient: bool = False
    description: str = ""
    example: Mapping[str, Any] = field(default_factory=dict)
    """Of the body."""
