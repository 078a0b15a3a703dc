"""Pydantic's errors, retold: what was found and what is expected, never a value that could be a secret."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from pushserver.config.checks import LONGEST_ALIAS, kind_of
from pushserver.config.environment import FromEnvironment
from pushserver.config.finding import Finding, Path, did_you_mean, quoted
from pushserver.config.kinds import known_keys

_CONTAINERS = (tuple, list, dict)
_KEY = "[key]"  # pydantic's last step when a mapping's key is at fault
_LONGEST_SHOWN = 20


def explain(error: ValidationError, root: type[BaseModel]) -> Iterator[Finding]:
    """A finding for every error."""
    for detail in error.errors(include_url=False):
        yield _finding(detail, root)


def _finding(detail: ErrorDetails, root: type[BaseModel]) -> Finding:
    path, given = detail["loc"], detail["input"]
    if detail["type"] == "extra_forbidden":
        return _unknown_key(path, _place(root, path[:-1]).section or root)
    if detail["type"] == "missing":
        given = None
    at_key = path[-1:] == (_KEY,)
    path = path[:-1] if at_key else path
    place = _place(root, path)
    found = detail.get("ctx", {}).get("found") or _shown(given, place)
    variable = given.variable if isinstance(given, FromEnvironment) else ""
    if at_key:
        return Finding(path, f"a key that is {found}", _key_expectation(place), "", variable)
    return Finding(path, found, _expectation(place), _hint(given, place), variable)


def _unknown_key(path: Path, section: type[BaseModel]) -> Finding:
    known = known_keys(section)
    hint = did_you_mean(str(path[-1]), known)
    return Finding(path, "an unknown key", f"one of {', '.join(known)}", hint)


class _Place(NamedTuple):
    """What the schema says of a path: the field, the section in it, and whether the path ends at an item."""

    field: FieldInfo | None
    section: type[BaseModel] | None
    item: bool


def _place(root: type[BaseModel], path: Path) -> _Place:
    place = _Place(None, root, item=False)
    for step in path:
        if place.field and not place.item and _container(place.field.annotation):
            place = place._replace(item=True)
        else:
            field = _field(place.section, step)
            place = _Place(field, section_in(field.annotation) if field else None, item=False)
    return place


def _field(section: type[BaseModel] | None, key: str | int) -> FieldInfo | None:
    fields: Mapping[str, FieldInfo] = section.model_fields if section else {}
    return next((field for name, field in fields.items() if key == (field.alias or name)), None)


def _container(annotation: Any) -> bool:
    return any(get_origin(option) in _CONTAINERS for option in _options(annotation))


def _options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; anything else alone."""
    return get_args(annotation) if get_origin(annotation) in {Union, types.UnionType} else (annotation,)


def section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, alone or in a list or mapping, if it holds one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(section_in, get_args(annotation))), None)


def _shown(given: object, place: _Place) -> str:
    """The value itself only where it is short and its field takes numbers and words that are no secrets."""
    harmless = _is_number(place) or _is_switch(place) or _words(place)
    if not isinstance(given, str) or not given or not harmless or len(given) > _LONGEST_SHOWN:
        return kind_of(given)
    if isinstance(given, FromEnvironment) and not given.variable:
        return "another text in the environment"
    return quoted(given)


def _annotation(place: _Place) -> Any:
    return place.field.annotation if place.field and not place.item else None


def _is_number(place: _Place) -> bool:
    return _annotation(place) in {int, float}


def _is_switch(place: _Place) -> bool:
    return _annotation(place) is bool


def _words(place: _Place) -> tuple[str, ...]:
    annotation = _annotation(place)
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _expectation(place: _Place) -> str:
    if place.section and (place.item or not _container(_annotation(place))):
        return f"a mapping with {', '.join(known_keys(place.section))}"
    if words := _words(place):
        return f"one of {', '.join(words)}"
    if _is_switch(place):
        return "true or false"
    if place.item or place.field is None:
        return "one line of plain text"
    return _described(place.field)


def _described(field: FieldInfo) -> str:
    if bounds := _bounds(field):
        kind = "a number of seconds" if field.annotation is float else "a whole number"
        return f"{kind} from {bounds['ge']:.10g} to {bounds['le']:.10g}"
    if field.description:
        return field.description
    return "a list" if get_origin(field.annotation) is tuple else "a mapping of recipients"


def _bounds(field: FieldInfo) -> dict[str, float]:
    """Of a number; empty for anything else."""
    if field.annotation not in {int, float}:
        return {}
    return {
        name: getattr(limit, name)
        for limit in field.metadata
        for name in ("ge", "le")
        if hasattr(limit, name)
    }


def _key_expectation(place: _Place) -> str:
    if place.section:
        return f"an alias of 1 to {LONGEST_ALIAS} characters on one line"
    return "letters, digits and hyphens"


def _hint(given: object, place: _Place) -> str:
    return did_you_mean(given, _words(place)) if isinstance(given, str) else ""
