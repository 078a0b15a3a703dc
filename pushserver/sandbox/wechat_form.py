"""What WeCom's robot accepts of each message type.

Limits count bytes of the decoded field, not of the JSON.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from pushserver.sandbox.vendor import Refusal

TEXT_LIMIT = 2048
MARKDOWN_LIMIT = 4096
MAX_ARTICLES = 8
TITLE_LIMIT = 128
DESCRIPTION_LIMIT = 512
MAX_IMAGE = 2 * 1024 * 1024
MAX_HORIZONTAL = 6
MAX_JUMPS = 3

_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_MENTIONS = ("mentioned_list", "mentioned_mobile_list")

Form = Callable[[str, dict[str, Any]], Refusal | None]


def _text(kind: str, part: dict[str, Any]) -> Refusal | None:
    for name in _MENTIONS:
        if not _is_list_of_texts(part.get(name, [])):
            return _wrong(f"{kind}.{name} is not a list of strings")
    return _content(kind, part, TEXT_LIMIT)


def _markdown(kind: str, part: dict[str, Any]) -> Refusal | None:
    for name in _MENTIONS:
        if name in part:
            return _wrong(f"{kind}.{name} is not allowed")
    return _content(kind, part, MARKDOWN_LIMIT)


def _content(kind: str, part: dict[str, Any], limit: int) -> Refusal | None:
    content = part.get("content")
    if content is None or content == "":
        return Refusal(44004)
    if not isinstance(content, str):
        return _wrong(f"{kind}.content is not a string")
    if len(content.encode("utf-8", "surrogatepass")) > limit:
        return Refusal(40058, f"{kind}.content exceed max length {limit}. invalid Request Parameter")
    return None


def _image(kind: str, part: dict[str, Any]) -> Refusal | None:
    try:
        raw = base64.b64decode(str(part.get("base64", "")), validate=True)
    except (binascii.Error, ValueError):
        return _wrong(f"{kind}.base64 is not base64")
    if not 0 < len(raw) <= MAX_IMAGE or not raw.startswith(_PICTURES):
        return Refusal(40009)
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return None if part.get("md5") == digest else _wrong(f"{kind}.md5 does not match")


def _news(kind: str, part: dict[str, Any]) -> Refusal | None:
    articles = part.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= MAX_ARTICLES:
        return _wrong(f"{kind}.articles wants 1 to {MAX_ARTICLES} items")
    complete = all(isinstance(item, dict) and item.get("title") and item.get("url") for item in articles)
    return None if complete else _wrong(f"{kind}.articles wants title and url")


def _media(kind: str, part: dict[str, Any]) -> Refusal | None:
    given = part.get("media_id")
    return None if isinstance(given, str) and given else _wrong(f"{kind}.media_id is missing")


def _template_card(kind: str, part: dict[str, Any]) -> Refusal | None:
    missing = _CARDS.get(str(part.get("card_type")), lambda _: "card_type")(part) or _card_lists(part)
    return _wrong(f"{kind}.{missing}") if missing else None


def _text_notice(card: dict[str, Any]) -> str | None:
    if not _title(card) and not card.get("sub_title_text"):
        return "main_title.title"
    return _action(card)


def _news_notice(card: dict[str, Any]) -> str | None:
    if not _title(card):
        return "main_title.title"
    image = card.get("card_image")
    if not isinstance(image, dict) or not image.get("url"):
        return "card_image.url"
    return _action(card)


def _title(card: dict[str, Any]) -> Any:
    title = card.get("main_title")
    return title.get("title") if isinstance(title, dict) else None


def _action(card: dict[str, Any]) -> str | None:
    """A card leads somewhere: type 1 to a page, type 2 to an app."""
    action = card.get("card_action")
    if not isinstance(action, dict) or action.get("type") not in (1, 2):
        return "card_action.type"
    wanted = "url" if action["type"] == 1 else "appid"
    return None if action.get(wanted) else f"card_action.{wanted}"


def _card_lists(card: dict[str, Any]) -> str | None:
    for name, most in (("horizontal_content_list", MAX_HORIZONTAL), ("jump_list", MAX_JUMPS)):
        items = card.get(name, [])
        if not isinstance(items, list) or len(items) > most:
            return f"{name} exceed max count {most}"
    return None


_CARDS = {"text_notice": _text_notice, "news_notice": _news_notice}

FORMS: Mapping[str, Form] = {
    "text": _text,
    "markdown": _markdown,
    "markdown_v2": _markdown,
    "image": _image,
    "news": _news,
    "file": _media,
    "voice": _media,
    "template_card": _template_card,
}


def with_cut_news(message: dict[str, Any]) -> dict[str, Any]:
    """A copy in which the titles and descriptions of news are as short as the platform makes them."""
    part = message.get("news")
    articles = part.get("articles") if isinstance(part, dict) else None
    if message.get("msgtype") != "news" or not isinstance(articles, list):
        return message
    return {**message, "news": {**message["news"], "articles": [_cut_article(item) for item in articles]}}


def _cut_article(article: Any) -> Any:
    if not isinstance(article, dict):
        return article
    limits = {"title": TITLE_LIMIT, "description": DESCRIPTION_LIMIT}
    return {key: _cut(value, limits[key]) if key in limits else value for key, value in article.items()}


def _cut(value: Any, limit: int) -> Any:
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore")


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _wrong(reason: str) -> Refusal:
    return Refusal(40058, f"{reason}. invalid Request Parameter")
