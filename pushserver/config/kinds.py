"""The kinds of values that settings are made of; a field's description says what is expected of it."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    model_validator,
)

from pushserver.config import checks

_DAY = 86_400.0


class Section(BaseModel):
    """A mapping of the configuration: frozen, without unknown keys; an empty key counts as absent."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if isinstance(data, dict) and None in data.values():
            known = known_keys(cls)
            return {key: value for key, value in data.items() if value is not None or key not in known}
        return data


def known_keys(section: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a section as they are written in YAML."""
    return tuple(field.alias or name for name, field in section.model_fields.items())


def whole(default: int, low: int, high: int) -> Any:
    """A whole number from ``low`` to ``high``."""
    return Field(default, ge=low, le=high)


def seconds(default: float, low: float = 0.1, high: float = _DAY) -> Any:
    """A number of seconds, fractions allowed."""
    return Field(float(default), ge=low, le=high, allow_inf_nan=False, description="seconds")


def _inside(check: Callable[[str], str]) -> AfterValidator:
    """The check of a text, applied to what a secret hides."""

    def checked(secret: SecretStr) -> SecretStr:
        check(secret.get_secret_value())
        return secret

    return AfterValidator(checked)


def _absent_when_empty(value: object) -> object:
    return None if value == "" else value


Name = Annotated[
    str,
    AfterValidator(checks.name),
    Field(description=f"a name of 1 to {checks.LONGEST_NAME} characters on one line"),
]
Alias = Annotated[str, AfterValidator(checks.alias)]
Label = Annotated[str, AfterValidator(checks.single_line), Field(description="a text on one line")]
FilePath = Annotated[str, AfterValidator(checks.single_line), Field(description="a path")]
OptionalPath = Annotated[FilePath | None, BeforeValidator(_absent_when_empty), Field(description="a path")]
Host = Annotated[
    str,
    AfterValidator(checks.host),
    Field(description="a host name or IP address alone"),
]
Networks = Annotated[
    tuple[str, ...],
    PlainValidator(checks.networks),
    Field(description="addresses and networks like 10.0.0.0/8, in a list or with commas between them"),
]
EmailAddress = Annotated[
    str,
    AfterValidator(checks.email_address),
    Field(description="a mail address like ops@example.com"),
]
Secret = Annotated[SecretStr, Field(description="a text")]
WebUrl = Annotated[
    SecretStr,
    _inside(checks.web_url),
    Field(description="an http:// or https:// URL"),
]
Proxy = Annotated[
    Annotated[str, AfterValidator(checks.web_url)] | None,
    BeforeValidator(_absent_when_empty),
    Field(description="the http:// or https:// URL of a proxy", repr=False),
]
"""May hold a password: it has no ``repr``."""
Headers = Annotated[
    dict[
        Annotated[str, AfterValidator(checks.header_name)], Annotated[SecretStr, _inside(checks.header_value)]
    ],
    Field(description="a mapping of HTTP header names to values"),
]
