"""Surgery on a URL's query that leaves every other byte as it was written."""

from urllib.parse import unquote_plus, urlsplit, urlunsplit


def without_parameters(url: str, *names: str) -> str:
    """``url`` without these query parameters and without a fragment."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if unquote_plus(pair.partition("=")[0]) not in names]
    return urlunsplit(parts._replace(query="&".join(filter(None, kept)), fragment=""))
