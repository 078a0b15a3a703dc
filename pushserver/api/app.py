"""The application: which resource answers which path."""

import falcon
from falcon import Request, Response

from pushserver.api.actors import ActorsResource, RestartResource
from pushserver.api.envelope import CONTENT_TYPE
from pushserver.api.health import HealthResource
from pushserver.api.metrics import MetricsResource
from pushserver.api.ports import Dependencies
from pushserver.api.push import PushBatchResource, PushResource
from pushserver.api.refusals import add_error_handlers
from pushserver.api.router import Router
from pushserver.api.task import TaskResource

App = falcon.App[Request, Response]


def create_app(deps: Dependencies) -> App:
    """Build the WSGI application from given parts; it holds no state of its own."""
    app: App = falcon.App(media_type=CONTENT_TYPE, router=Router())
    app.req_options.strip_url_path_trailing_slash = True
    add_error_handlers(app)
    app.add_route("/health", HealthResource(deps))
    app.add_route("/metrics", MetricsResource(deps))
    app.add_route("/api/v1/push", PushResource(deps))
    app.add_route("/api/v1/push/batch", PushBatchResource(deps))
    app.add_route("/api/v1/task/{task_id}", TaskResource(deps))
    app.add_route("/api/v1/actors", ActorsResource(deps.actors))
    app.add_route("/api/v1/actors/restart", RestartResource(deps.actors))
    return app
