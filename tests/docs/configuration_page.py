"""Makes the tables of docs/configuration.md from the models: ``python -m tests.docs.configuration_page``.

In the page a table stands between ``<!-- keys: PREFIX -->`` and ``<!-- end -->``; PREFIX names a part of the
configuration, and what stands around the tables is written by hand.
"""

import builtins
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from pushserver.config.document import Document
from pushserver.config.explain import section_in
from tests.docs.configuration_meanings import MEANINGS
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "configuration.md"
_TABLE = re.compile(r"(?<=<!-- keys: )(?P<prefix>\S+)( -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD = "| key | default | what may stand there | meaning |\n|---|---|---|---|\n"


class Key(NamedTuple):
    """A key that holds a value, by its path: ``*`` stands for an alias, ``[]`` for an item of a list."""

    path: str
    field: FieldInfo


def keys(section: type[BaseModel] = Document, path: str = "") -> Iterator[Key]:
    """All keys that hold values, in the order of the models."""
    for name, field in section.model_fields.items():
        place = f"{path}{field.alias or name}"
        inner = section_in(field.annotation)
        if inner is None:
            yield Key(place, field)
        else:
            yield from keys(inner, f"{place}{_step(field)}.")


def written(text: str) -> str:
    """The page with its tables made anew."""
    return _TABLE.sub(lambda found: f"{found['prefix']}{found[2]}{table(found['prefix'])}", text)


def table(prefix: str) -> str:
    """The table of the keys under ``prefix``, each shown without it."""
    return _HEAD + "".join(_row(key, prefix) for key in keys() if is_under(key.path, prefix))


def is_under(path: str, prefix: str) -> bool:
    """Whether the key belongs into the table; in that of ``recipients.*`` stands what has none of its own."""
    return path.startswith(f"{prefix}.") and (prefix != "recipients.*" or "platforms" not in path)


def _row(key: Key, prefix: str) -> str:
    cells = (
        f"`{key.path.removeprefix(f'{prefix}.')}`",
        _default(key.field),
        _allowed(key.field),
        MEANINGS.get(key.path, ""),
    )
    return f"| {' | '.join(cells)} |\n"


def _step(field: FieldInfo) -> str:
    match get_origin(field.annotation):
        case builtins.tuple:
            return "[]"
        case builtins.dict:
            return ".*"
        case _:
            return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(needed)"
    value = field.get_default(call_default_factory=True, validated_data={})
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    if value in (None, "", {}, ()):
        return ""
    if field.description and field.description.startswith("a share"):
        return f"`{value:.0%}`"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(field.annotation))
    if field.annotation is bool:
        return "`true`, `false`"
    if field.annotation in {int, float} and (limits := _limits(field)):
        unit = " s" if field.annotation is float else ""
        return f"{limits['ge']:.10g} to {limits['le']:.10g}{unit}"
    return field.description or ""


def _limits(field: FieldInfo) -> dict[str, float]:
    return {
        name: getattr(limit, name)
        for limit in field.metadata
        for name in ("ge", "le")
        if hasattr(limit, name)
    }


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
