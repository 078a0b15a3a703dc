"""What Feishu accepts as a card, in both versions of its card JSON.

Sources: card-json-v1-structure, card-json-v2-structure and card-json-v2-breaking-changes-release-notes under
https://open.feishu.cn/document/feishu-cards/. Version 1.0 ignores what it does not know, 2.0 refuses it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TEMPLATES = frozenset(
    (
        "blue",
        "wathet",
        "turquoise",
        "green",
        "yellow",
        "orange",
        "red",
        "carmine",
        "violet",
        "purple",
        "indigo",
        "grey",
        "default",
    )
)
MAX_ELEMENTS = 200

_TOP_LEVEL_2 = frozenset(("schema", "config", "card_link", "header", "body"))
_CONTAINERS = ("column_set", "column", "form", "interactive_container", "collapsible_panel")
_CONTENT = (
    "div",
    "markdown",
    "img",
    "img_combination",
    "person",
    "person_list",
    "chart",
    "table",
    "audio",
    "hr",
)
_CONTROLS = (
    "button",
    "checker",
    "date_picker",
    "input",
    "multi_select_person",
    "multi_select_static",
    "overflow",
    "picker_datetime",
    "picker_time",
    "select_img",
    "select_person",
    "select_static",
)
_TAGS_2 = frozenset((*_CONTAINERS, *_CONTENT, *_CONTROLS))
_GONE_IN_2 = frozenset(("note", "action"))


@dataclass(frozen=True, slots=True)
class CardFault:
    """The platform's code for what is wrong with a card, and its words."""

    code: int
    text: str


def fault(card: dict[str, Any]) -> CardFault | None:
    """The first thing wrong with a card, or ``None``."""
    body = _fault_2(card) if card.get("schema") == "2.0" else _fault_1(card)
    return _header_fault(card.get("header")) or body


def _header_fault(header: Any) -> CardFault | None:
    if header is None:
        return None
    if not isinstance(header, dict):
        return _unparsable("header is not an object")
    template = header.get("template", "default")
    if not isinstance(template, str) or template not in TEMPLATES:
        return CardFault(10002, "invalid color")
    return None if _is_text(header.get("title")) else _unparsable("header.title is not a text object")


def _is_text(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.get("tag") in ("plain_text", "lark_md")
        and isinstance(value.get("content"), str)
    )


def _fault_1(card: dict[str, Any]) -> CardFault | None:
    elements = card.get("elements", [])
    if isinstance(elements, list) and all(_is_tagged(element) for element in elements):
        return None
    return _unparsable("elements is not a list of tagged objects")


def _is_tagged(element: Any) -> bool:
    return isinstance(element, dict) and isinstance(element.get("tag"), str)


def _fault_2(card: dict[str, Any]) -> CardFault | None:
    unknown = sorted(card.keys() - _TOP_LEVEL_2)
    if unknown:
        return _unparsable(f"unknown property, property: {unknown[0]}")
    body = card.get("body")
    if not isinstance(body, dict) or not isinstance(body.get("elements"), list):
        return _unparsable("body.elements is not a list")
    config = card.get("config")
    if isinstance(config, dict) and config.get("update_multi", True) is not True:
        return _unparsable("config.update_multi is only true")
    return _elements_fault(list(_elements(body)))


def _elements(container: dict[str, Any]) -> Iterator[Any]:
    """Everything in a container, and in what that contains."""
    for name in ("elements", "columns"):
        inner = container.get(name)
        for element in inner if isinstance(inner, list) else ():
            yield element
            if isinstance(element, dict):
                yield from _elements(element)


def _elements_fault(elements: list[Any]) -> CardFault | None:
    for element in elements:
        tag = element.get("tag") if isinstance(element, dict) else None
        if isinstance(tag, str) and tag in _GONE_IN_2:
            return CardFault(
                200861, f"cards of schema V2 no longer support this capability; unsupported tag {tag}"
            )
        if not isinstance(tag, str) or tag not in _TAGS_2:
            return _unparsable("unknown element tag")
    if len(elements) > MAX_ELEMENTS:
        return CardFault(11310, f"element exceeds the limit; ErrorValue: {len(elements)}")
    return None


def _unparsable(reason: str) -> CardFault:
    return CardFault(200621, f"parse card json err, please check whether the card json is correct, {reason}")
