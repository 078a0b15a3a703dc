"""``GET /api/v1/task/{task_id}``: what has become of a push."""

import re
from http import HTTPStatus

import falcon

from pushserver.api.envelope import answer
from pushserver.api.ports import Dependencies
from pushserver.api.task_view import view_task

_PLAUSIBLE_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")


class TaskResource:
    """One task."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def on_get(self, req: falcon.Request, resp: falcon.Response, task_id: str) -> None:
        """Show the task."""
        # What cannot be an id is not worth a question to the store (which might not even take a NUL).
        stored = self._deps.fetch(task_id) if _PLAUSIBLE_ID.fullmatch(task_id) else None
        # A task of a recipient that is not the caller's business is none that it knows of.
        if stored is None or not req.context.caller.reaches(stored.task.recipient):
            answer(resp, HTTPStatus.NOT_FOUND, "任务不存在", {"task_id": task_id})
            return
        view = view_task(stored, self._deps.progress(stored), self._deps.waiting_for(stored))
        answer(resp, HTTPStatus.OK, "获取任务状态成功", view)
