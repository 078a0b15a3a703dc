"""Makes the tables of docs/API.md and docs/API.zh-CN.md from the OpenAPI document.

``python -m tests.docs.api_page``. What stands between ``<!-- operations: TAG -->``, ``<!-- shapes -->`` or
``<!-- errors -->`` and ``<!-- end -->`` is made; around it the pages are written by hand.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pushserver.api.openapi import described, document
from tests.docs.api_chinese import CHINESE
from tests.docs.markdown import ROOT

ENGLISH_PAGE = ROOT / "docs" / "API.md"
CHINESE_PAGE = ROOT / "docs" / "API.zh-CN.md"
_PART = re.compile(
    r"(?<=<!-- )(?P<what>operations: [\w-]+|shapes|errors)( -->\n).*?(?=<!-- end -->)", re.DOTALL
)
_REF = "#/components/schemas/"
_JSON = "application/json"

Schema = Mapping[str, Any]
Say = Callable[[str], str]
"""From English to the language of the page."""


def english(text: str) -> str:
    """As the document has it."""
    return text


def chinese(text: str) -> str:
    """The translation.

    Raises:
        KeyError: there is none.
    """
    return CHINESE[text]


PAGES: Mapping[Any, Say] = {ENGLISH_PAGE: english, CHINESE_PAGE: chinese}


def written(text: str, say: Say) -> str:
    """The page with its parts made anew."""
    return _PART.sub(lambda found: f"{found['what']}{found[2]}{_part(found['what'], say)}", text)


def _part(what: str, say: Say) -> str:
    page = _Pages(document(), say)
    match what:
        case "shapes":
            return page.shapes()
        case "errors":
            return page.errors()
        case _:
            return page.operations(what.removeprefix("operations: "))


class _Pages:
    """Renders the document in a language."""

    def __init__(self, shown: Mapping[str, Any], say: Say) -> None:
        self._document = shown
        self._say = say

    def operations(self, tag: str) -> str:
        return "".join(
            self._operation(method, path, operation)
            for path, methods in self._document["paths"].items()
            for method, operation in methods.items()
            if operation["tags"] == [tag]
        )

    def shapes(self) -> str:
        shapes = self._document["components"]["schemas"]
        return "".join(f"\n### {name}\n\n{self._fields(shape)}\n" for name, shape in shapes.items())

    def errors(self) -> str:
        rows = [(f"{status}", f"`{message}`", self._say(meaning)) for status, message, meaning in described()]
        return self._table(("status", "`message`", "means"), rows)

    # An operation ------------------------------------------------------------------------------------

    def _operation(self, method: str, path: str, operation: Mapping[str, Any]) -> str:
        sentences = [operation["summary"] + ".", operation.get("description", "")]
        scope = f"`{operation['x-scope']}`" if "x-scope" in operation else self._say("none")
        parts = [
            f"\n### {method.upper()} {path}\n",
            " ".join(self._say(sentence) for sentence in sentences if sentence) + "\n",
            f"{self._say('Scope of a key')}: {scope}\n",
            *self._parameters(operation["parameters"]),
            *self._body(operation.get("requestBody")),
            self._answers(operation["responses"]),
        ]
        return "\n".join(parts)

    def _parameters(self, parameters: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        rows = [
            (
                f"`{{{one['name']}}}`" if one["in"] == "path" else f"`{one['name']}=`",
                self._kind(one["schema"]),
                self._default(one["schema"]),
                self._say(one["description"]),
            )
            for one in parameters
        ]
        if rows:
            yield self._table(("parameter", "values", "default", "means"), rows)

    def _body(self, body: Mapping[str, Any] | None) -> Iterator[str]:
        if body is None:
            return
        media = body["content"][_JSON]
        needed = "Body" if body["required"] else "Body, may be left out"
        schema = media["schema"]
        if "$ref" in schema:
            yield f"{self._say(needed)}: {self._kind(schema)}\n"
        else:
            yield f"{self._say(needed)}:\n\n{self._fields(schema)}"
        if "example" in media:
            yield f"```json\n{json.dumps(media['example'], ensure_ascii=False)}\n```\n"

    def _answers(self, responses: Mapping[str, Any]) -> str:
        rows = [
            (status, *self._answer(answer)) for status, answer in responses.items() if "$ref" not in answer
        ]
        return self._table(("status", "`message`", "means", "`data`"), rows)

    def _answer(self, answer: Mapping[str, Any]) -> tuple[str, str, str]:
        ((kind, media),) = answer["content"].items()
        members = media["schema"].get("properties", {})
        if "code" not in members:
            return "", self._say(answer["description"]), f"`{kind}`"
        examples = members["message"].get("examples", [])
        data = self._inline(members["data"]) if "data" in members else ""
        return ", ".join(f"`{one}`" for one in examples), self._say(answer["description"]), data

    # Schemas -----------------------------------------------------------------------------------------

    def _fields(self, schema: Schema) -> str:
        head = f"{self._say(schema['description'])}\n\n" if "description" in schema else ""
        return head + self._table(("field", "values", "means"), self._rows(schema))

    def _rows(self, schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, str]]:
        """A row for each member, those of inner objects with their path."""
        needed = schema.get("required", ())
        for name, member in schema["properties"].items():
            optional = "" if name in needed else " ?"
            means = self._say(member["description"]) if member.get("description") else ""
            yield f"`{prefix}{name}`{optional}", self._kind(member), means
            inner = member.get("items", member)
            if "properties" in inner:
                yield from self._rows(inner, f"{prefix}{name}{'[]' if inner is not member else ''}.")

    def _inline(self, schema: Schema) -> str:
        """An object on one line: its members, with what they are."""
        if "$ref" in schema:
            return self._kind(schema)
        needed = schema.get("required", ())
        return ", ".join(
            f"`{name}`{'' if name in needed else ' ?'}: {self._deep(member)}"
            for name, member in schema["properties"].items()
        )

    def _deep(self, schema: Schema) -> str:
        if schema.get("properties"):
            return f"{{{self._inline(schema)}}}"
        if schema.get("type") == "array":
            return f"[{self._deep(schema['items'])}]"
        return self._kind(schema)

    def _kind(self, schema: Schema) -> str:
        """What a value may be."""
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_REF)
            return f"[{name}](#{name.lower()})"
        if "anyOf" in schema:
            return f" {self._say('or')} ".join(self._deep(one) for one in schema["anyOf"])
        if "const" in schema:
            return f"`{schema['const']}`"
        if "enum" in schema:
            return ", ".join(f"`{word}`" for word in schema["enum"] if word not in {"", None})
        if schema.get("type") == "array":
            return f"[{self._kind(schema['items'])}]" if "items" in schema else self._say("array")
        return self._plain(schema)

    def _plain(self, schema: Schema) -> str:
        types = schema.get("type", "object")
        words = [types] if isinstance(types, str) else types
        if schema.get("format") == "date-time":
            words = ["time", *words[1:]]
        if "maximum" in schema:
            low, high = schema["minimum"], schema["maximum"]
            return f"{low}–{high}" if high < 10**9 else f"{low}…"
        return f" {self._say('or')} ".join(self._say(word) for word in words)

    def _default(self, schema: Schema) -> str:
        return f"`{schema['default']}`" if "default" in schema else ""

    def _table(self, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
        first = tuple(word if "`" in word else self._say(word) for word in head)
        lines = [_row(first), f"|{'---|' * len(head)}\n", *map(_row, rows)]
        return "".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


if __name__ == "__main__":
    for page, language in PAGES.items():
        page.write_text(written(page.read_text(encoding="utf-8"), language), encoding="utf-8")
