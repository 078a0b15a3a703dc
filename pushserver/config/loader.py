"""From a file and an environment to settings, or to every fault at once."""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from pushserver.config import environment, reader
from pushserver.config.document import Document
from pushserver.config.environment import Setting
from pushserver.config.errors import ConfigError, Fault
from pushserver.config.explain import explain, section_in
from pushserver.config.finding import Finding, Path, dotted
from pushserver.config.kinds import Section
from pushserver.config.reader import Node, Tree, Unreadable
from pushserver.config.relay import RelaySettings
from pushserver.config.rules import broken
from pushserver.config.sections import (
    LogSettings,
    QueueSettings,
    ServerSettings,
    StorageSettings,
    TaskSettings,
)
from pushserver.config.settings import Settings, settings_of

_OVERRIDABLE: dict[str, type[Section]] = {
    "server": ServerSettings,
    "log": LogSettings,
    "queue": QueueSettings,
    "task": TaskSettings,
    "storage": StorageSettings,
    "smtp_relay": RelaySettings,
}


@dataclass(frozen=True, slots=True)
class Loaded:
    """A usable configuration, and what is odd about it: a line each, without secrets."""

    settings: Settings
    warnings: tuple[str, ...]


def load(path: FilePath, environ: Mapping[str, str]) -> Loaded:
    """Read and check a configuration file; ``environ`` fills ``${NAME}`` and overrides single settings.

    Raises:
        ConfigError: with every fault, in the order of the file.
    """
    with _collector_at_rest():
        return _read(str(path), lambda: reader.read_text(path), environ)


def load_text(text: str, source: str, environ: Mapping[str, str]) -> Loaded:
    """The same of a text; ``source`` is what faults call it.

    Raises:
        ConfigError: as above.
    """
    with _collector_at_rest():
        return _read(source, lambda: text, environ)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Keep the cycle collector from walking a growing tree again and again: half the time of a large file."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(source: str, read_text: Callable[[], str], environ: Mapping[str, str]) -> Loaded:
    try:
        text = read_text()
        tree = reader.parse(text)
    except Unreadable as unreadable:
        fault = Fault(source, unreadable.line, "", unreadable.found, unreadable.expected)
        raise ConfigError((fault,)) from None
    root, findings, warnings = _with_environment(tree, text, environ)
    document = _checked(root, findings)
    if document is None:
        raise ConfigError(_located(findings, source, reader.lines(text)))
    settings = settings_of(document)
    return Loaded(settings, (*warnings, *_oddities(settings)))


def _with_environment(
    tree: Tree, text: str, environ: Mapping[str, str]
) -> tuple[dict[str, Node], list[Finding], list[str]]:
    root, unset = environment.expand(tree.root, environ) if "${" in text else (tree.root, [])
    root, warnings = environment.override(root, overridable(), environ)
    return root, [*tree.findings, *unset], warnings


def overridable() -> Iterator[Setting]:
    """The settings that an environment variable can override: the plain values of six sections."""
    for section, model in _OVERRIDABLE.items():
        for key, field in model.model_fields.items():
            if not _is_nested(field.annotation):
                yield Setting((section, key))


def _is_nested(annotation: Any) -> bool:
    return section_in(annotation) is not None


def _checked(root: dict[str, Node], findings: list[Finding]) -> Document | None:
    """The document, or ``None`` when ``findings``, which grows by what is found here, says why not."""
    document = None
    try:
        document = Document.model_validate(root, by_alias=True, by_name=False)
    except ValidationError as error:
        findings += explain(error, Document)
    findings += broken(root)
    return None if findings else document


def _located(findings: list[Finding], source: str, lines: Mapping[Path, int]) -> tuple[Fault, ...]:
    first: dict[Path, Finding] = {}
    for finding in findings:
        first.setdefault(finding.path, finding)  # what is wrong with a value in two ways needs mending once
    faults = (_fault(finding, source, lines) for finding in first.values())
    return tuple(sorted(faults, key=lambda fault: fault.line or 0))


def _fault(finding: Finding, source: str, lines: Mapping[Path, int]) -> Fault:
    where, line = source, _nearest(finding.path, lines)
    if finding.variable:
        where, line = f"environment variable {finding.variable}", None
    return Fault(where, line, dotted(finding.path), finding.found, finding.expected, finding.hint)


def _nearest(path: Path, lines: Mapping[Path, int]) -> int | None:
    """The line of the value, or, when it is missing, of what should hold it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


def _oddities(settings: Settings) -> Iterator[str]:
    if not settings.recipients:
        yield "recipients: none, every push will be refused"
    for recipient in settings.recipients.values():
        if not recipient.channels:
            path = dotted(("recipients", recipient.alias))
            yield f"{path}: no usable channel, every push to it will be refused"
    if settings.smtp_relay.enabled and not settings.relay_accounts_configured:
        yield "smtp_relay: enabled without accounts, accepted mail will wait until there is one"
