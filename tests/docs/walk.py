"""Walks through a page as a reader would: runs its commands in order and compares what they answer."""

import json
import time

from tests.docs.answers import TASK_ID, same_json, same_text
from tests.docs.demo import Demo, Ran
from tests.docs.markdown import Block, Page

PATIENCE = 10.0
"""Seconds for what is asked to become what is shown: a push is answered before it is delivered."""


class Walk:
    def __init__(self, page: Page, demo: Demo) -> None:
        self._page = page
        self._demo = demo
        self._ids: dict[str, str] = {}

    def run(self) -> int:
        """Run everything marked; how many commands that were."""
        commands = 0
        blocks = self._page.blocks
        for block, after in zip(blocks, [*blocks[1:], None], strict=True):
            if block.info == "sh test":
                commands += 1
                self._run(block, after if after and after.info.endswith(" answer") else None)
        return commands

    def _run(self, block: Block, shown: Block | None) -> None:
        deadline = time.monotonic() + PATIENCE
        ran = self._once(block)
        while shown and not _alike(shown, ran) and _only_reads(block) and time.monotonic() < deadline:
            ran = self._once(block)
        where = f"{self._page}:{block.line}"
        assert ran.code == 0, f"{where}: exit code {ran.code}: {ran.err}"
        if shown:
            assert _alike(shown, ran), f"{where}: the page shows\n{shown.text}\nthe answer is\n{ran.out}"
            self._ids |= dict(zip(TASK_ID.findall(shown.text), TASK_ID.findall(ran.out), strict=True))

    def _once(self, block: Block) -> Ran:
        return self._demo.run(TASK_ID.sub(lambda match: self._ids.get(match[0], match[0]), block.text))


def _only_reads(block: Block) -> bool:
    return "curl" in block.text and not any(word in block.text for word in (" -d", " -X", "send"))


def _alike(shown: Block, ran: Ran) -> bool:
    if shown.info == "text answer":
        return same_text(shown.text, ran.out)
    try:
        given = json.loads(ran.out)
    except ValueError:
        return False
    return same_json(json.loads(shown.text), given)
