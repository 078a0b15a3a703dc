"""The application: which resource answers which path."""

import falcon
from falcon import Request, Response

from pushserver.api.actors import ActorsResource, RestartResource
from pushserver.api.envelope import CONTENT_TYPE
from pushserver.api.health import HealthResource
from pushserver.api.metrics import MetricsResource
from pushserver.api.notifications import (
    NotificationResource,
    NotificationsResource,
    NotificationStatisticsResource,
    ReadAllResource,
    ReadResource,
)
from pushserver.api.openapi import OpenApiResource
from pushserver.api.ports import Dependencies, Notifications, Relay
from pushserver.api.push import PushBatchResource, PushResource
from pushserver.api.refusals import add_error_handlers
from pushserver.api.relay import RelayStatisticsResource, RelayStatusResource
from pushserver.api.relay_queue import DropMailsResource, MailsResource, RetryMailsResource
from pushserver.api.reload import ReloadPreviewResource, ReloadResource
from pushserver.api.router import Router
from pushserver.api.safeguards import Safeguards
from pushserver.api.task import TaskResource

App = falcon.App[Request, Response]


def create_app(deps: Dependencies, safeguards: Safeguards | None = None) -> App:
    """Build the WSGI application from given parts; it holds no state of its own.

    Without ``safeguards`` those of a configuration that says nothing.
    """
    middleware = (safeguards or Safeguards()).middleware
    app: App = falcon.App(media_type=CONTENT_TYPE, router=Router(), middleware=list(middleware))
    app.req_options.strip_url_path_trailing_slash = True
    add_error_handlers(app)
    app.add_route("/health", HealthResource(deps))
    app.add_route("/metrics", MetricsResource(deps))
    app.add_route("/api/v1/push", PushResource(deps))
    app.add_route("/api/v1/push/batch", PushBatchResource(deps))
    app.add_route("/api/v1/task/{task_id}", TaskResource(deps))
    app.add_route("/api/v1/openapi.json", OpenApiResource())
    app.add_route("/api/v1/reload", ReloadResource(deps.configuration))
    app.add_route("/api/v1/reload/preview", ReloadPreviewResource(deps.configuration))
    app.add_route("/api/v1/actors", ActorsResource(deps.actors))
    app.add_route("/api/v1/actors/restart", RestartResource(deps.actors))
    _add_relay(app, deps.relay)
    _add_notifications(app, deps.notifications)
    return app


def _add_relay(app: App, relay: Relay) -> None:
    prefix = "/api/v1/smtp-relay"
    app.add_route(f"{prefix}/status", RelayStatusResource(relay))
    app.add_route(f"{prefix}/statistics", RelayStatisticsResource(relay))
    app.add_route(f"{prefix}/queue", MailsResource(relay))
    app.add_route(f"{prefix}/queue/retry", RetryMailsResource(relay))
    app.add_route(f"{prefix}/queue/drop", DropMailsResource(relay))


def _add_notifications(app: App, notifications: Notifications) -> None:
    # Words go before placeholders, whatever the order here: no {notification_id} shadows them.
    prefix = "/api/v1/notifications"
    app.add_route(prefix, NotificationsResource(notifications))
    app.add_route(f"{prefix}/statistics", NotificationStatisticsResource(notifications))
    app.add_route(f"{prefix}/read-all", ReadAllResource(notifications))
    app.add_route(f"{prefix}/{{notification_id}}", NotificationResource(notifications))
    app.add_route(f"{prefix}/{{notification_id}}/read", ReadResource(notifications))
