"""``pushserver check``: every fault of a configuration, or what it amounts to."""

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from pushserver.cli import exit_codes, screen
from pushserver.cli.configuration import read
from pushserver.config import ConfigError, Loaded, Settings, Summary, describe
from pushserver.domain import PlatformName
from pushserver.store import UnsupportedDatabase, database_file


def check(path: Path) -> int:
    """Print the faults of the configuration in ``path``, one a line, or a summary; the exit code."""
    try:
        loaded = read(path)
    except ConfigError as error:
        return _report([str(fault) for fault in error.faults])
    faults = list(_store_faults(path, loaded.settings))
    return _report(faults) if faults else _approve(path, loaded)


def _store_faults(path: Path, settings: Settings) -> Iterator[str]:
    """What the schema allows and the store does not."""
    try:
        database_file(settings.storage.url)
    except UnsupportedDatabase as error:
        yield f"{path}: {error}"


def _report(faults: list[str]) -> int:
    for fault in faults:
        line = Text.assemble(("✗ ", "bold red"), screen.single_line(fault))
        screen.out().print(line, soft_wrap=True)
    screen.out().print(Text(f"共 {len(faults)} 处错误", style="bold red"))
    return exit_codes.FAILED


def _approve(path: Path, loaded: Loaded) -> int:
    for warning in loaded.warnings:
        screen.warn(warning)
    verdict = Text.assemble(("✓ ", "bold green"), f"{path} 配置有效")
    screen.out().print(verdict, soft_wrap=True)
    summary = describe(loaded.settings)
    screen.out().print(_general(summary))
    if summary.channels:
        screen.out().print(_channels(summary))
    return exit_codes.OK


def _general(summary: Summary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("HTTP 接口", _address(summary.server))
    table.add_row("SMTP 中继", _address(summary.relay) if summary.relay else "未启用")
    table.add_row("发信账户", str(summary.relay_accounts))
    table.add_row("存储", summary.storage)
    table.add_row("接收者", _count(summary.recipients, summary.unreachable))
    table.add_row("最后防线", f"{summary.system_notices} 项通知" if summary.system_notices else "仅通知记录")
    table.add_row()
    return table


def _channels(summary: Summary) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("渠道")
    table.add_column("接收者", justify="right")
    table.add_column("目标", justify="right")
    for platform in PlatformName:
        if summary.channels.get(platform):
            counts = summary.channels[platform], summary.targets[platform]
            table.add_row(platform.value, *map(str, counts))
    return table


def _address(address: tuple[str, int]) -> str:
    host, port = address
    return f"{host}:{port}"


def _count(recipients: int, unreachable: int) -> str:
    return f"{recipients}（{unreachable} 个没有可用渠道）" if unreachable else str(recipients)
