"""What in a configuration must not be shown: found by type, so that a new secret setting is found too."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import SplitResult, parse_qsl, urlsplit

from pydantic import BaseModel, SecretStr


def secrets_of(settings: object) -> Iterator[str]:
    """Of settings or their parts: every ``SecretStr``, the tokens in secret URLs, passwords in the others."""
    for text, secret in _texts(settings):
        url = _url(text)
        if url is not None:
            yield from _in_url(url, secret=secret)
        elif secret:
            yield text
            scheme, _, credentials = text.partition(" ")  # a header: "Bearer …"
            if scheme.isalpha():
                yield credentials


def hosts_of(settings: object) -> set[str]:
    """``host:port`` of every secret URL: of those URLs only this may be shown."""
    urls = [_url(text) for text, secret in _texts(settings) if secret]
    return {url.netloc.rpartition("@")[2] for url in urls if url is not None}


def _texts(value: object) -> Iterator[tuple[str, bool]]:
    """All texts that may hold a secret, and whether they are one."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value(), True
    elif isinstance(value, str):
        yield value, False
    else:
        for part in _parts(value):
            yield from _texts(part)


def _parts(value: object) -> Iterable[object]:
    match value:
        case BaseModel():
            return vars(value).values()
        case Mapping():
            return value.values()
        case tuple() | list():
            return value
        case _:
            return ()


def _url(text: str) -> SplitResult | None:
    """``None`` for what is none; secrets are any text, also one that only looks like a URL."""
    if "://" not in text:
        return None
    try:
        url = urlsplit(text)
    except ValueError:
        return None
    return url if url.netloc else None


def _in_url(url: SplitResult, *, secret: bool) -> Iterator[str]:
    """A password always. Of a robot's URL the query's values, or where there is no query the last segment."""
    if url.password:
        yield url.password
    if secret:
        yield from [text for _, text in parse_qsl(url.query)] or [url.path.rstrip("/").rpartition("/")[2]]
