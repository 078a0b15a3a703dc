"""Makes the table of vendors' codes in docs/platforms.md: ``python -m tests.docs.vendor_codes``.

Not read from the adapters' tables but seen: the sandbox's robots answer each code that their vendor
documents, and the platforms judge it.
"""

import io
import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pydantic import SecretStr

from pushserver.config import Webhook
from pushserver.domain import VERDICTS, Delivery, PlatformName, Push, Strategy, Verdict
from pushserver.platforms import Context, build
from pushserver.sandbox import Robot, Sandbox
from pushserver.sandbox.journal import Code
from pushserver.sandbox.registry import VENDORS
from pushserver.sandbox.vendor import Settings
from tests.docs.markdown import ROOT

PAGE = ROOT / "docs" / "platforms.md"
ROBOTS = (PlatformName.FEISHU, PlatformName.DINGTALK, PlatformName.WECHAT)
_TABLE = re.compile(r"(?<=<!-- vendor codes -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD = "| verdict | `feishu` | `dingtalk` | `wechat` |\n|---|---|---|---|\n"
_DELIVERY = Delivery(
    task_id="task_20240101_120000_abc123def456",
    recipient="ops_alert",
    strategy=Strategy.FAILOVER,
    push=Push("T", "M"),
    at=datetime(2024, 1, 1, 12, tzinfo=UTC),
)

Judged = Mapping[tuple[str, PlatformName], list[Code]]
"""The codes that became a verdict, by its kind and by platform."""


def judged() -> Judged:
    """Every documented code of the three robots, judged."""
    found: defaultdict[tuple[str, PlatformName], list[Code]] = defaultdict(list)
    with Sandbox() as sandbox:
        for platform in ROBOTS:
            robot = sandbox.robot(platform.value, "token", Settings())
            for code, verdict in _verdicts(robot, platform):
                found[verdict.kind, platform].append(code)
    return found


def _verdicts(robot: Robot, platform: PlatformName) -> Iterator[tuple[Code, Verdict]]:
    context = Context(timeout=5.0, console=io.StringIO(), logger=logging.getLogger("tests.docs"))
    endpoint = build(Webhook(platform=platform, url=SecretStr(robot.url), name="robot"), context)
    for code in VENDORS[platform.value].documented:
        robot.recover()
        robot.fail(code, times=None)
        yield code, endpoint.deliver(_DELIVERY)
    endpoint.close()


def written(text: str) -> str:
    """The page with its table made anew."""
    codes = judged()
    kinds = [kind for kind in VERDICTS if any((kind, platform) in codes for platform in ROBOTS)]
    return _TABLE.sub(_HEAD + "".join(_row(kind, codes) for kind in kinds), text)


def _row(kind: str, codes: Judged) -> str:
    cells = [", ".join(f"`{code}`" for code in codes.get((kind, platform), ())) for platform in ROBOTS]
    return f"| `{kind}` | {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
