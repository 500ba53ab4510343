"""The ASGI application: webhooks, files that were sent, the agents' desk, health, and a demo's `/try` page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bot.api.answers import answer_wrong_requests
from bot.api.campaigns import campaigns_router
from bot.api.exports import exports_router
from bot.api.imports import imports_router
from bot.api.payments import payments_router
from bot.api.recharges import recharges_router
from bot.api.requests import requests_router
from bot.api.webhooks import webhooks_router
from bot.campaigns import bulk_rates
from bot.desk.app import mount_desk
from bot.edge.api_docs import OPENAPI, mount_api_docs
from bot.edge.guarded import GuardedApp
from bot.edge.unavailable import answer_unavailable
from bot.health import health_router
from bot.outside_routes import mount_outside_desk
from bot.sending.files import files_router
from bot.service import Service
from bot.telemetry.exposition import metrics_router
from bot.telemetry.requests import route_of
from bot.vitals import watched

log = structlog.get_logger()


def create_app(
    service: Service,
    *,
    work: bool = True,
    watch: bool = False,
    mount: Callable[[FastAPI], None] | None = None,
) -> FastAPI:
    """The application around `service`; it starts and stops with it. `mount` adds routes (the demo's).

    `watch` is for a process that does nothing else: it is ended when it hangs or grows too large.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with watched(service.settings) if watch else nullcontext():
            await service.start(work=work)
            try:
                yield
            finally:
                await service.stop()

    app = GuardedApp(
        service.settings,
        lambda: service.is_stopping,
        title="Relève",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
    )
    for carrier in service.carriers:
        app.include_router(carrier.router(service.intake), include_in_schema=False)
    app.include_router(files_router(service.links, service.database, service.attachments))
    mount_outside_desk(app, service.desk)

    settings = service.settings
    rates = bulk_rates(service.carriers, settings.bulk_share)
    app.include_router(campaigns_router(service.database, service.assistant.texts, service.operator, rates))
    app.include_router(payments_router(service.database))
    app.include_router(recharges_router(service.database, service.operator))
    app.include_router(requests_router(service.database, service.operator))
    app.include_router(exports_router(service.database))
    app.include_router(imports_router(service.database, settings.spool_dir, settings.import_most_mib * 1024 * 1024))
    app.include_router(webhooks_router(service.database, settings.keyring, settings.own_webhook_hosts))
    answer_wrong_requests(app)

    app.include_router(health_router(service.readiness, service.heartbeat, service.assistant.model_name))
    app.include_router(metrics_router(service.figures, service.settings.metrics_token))

    answer_unavailable(app)

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        """No traceback reaches anyone; the carrier tries again, the operator finds it in the log."""
        log.error("http.failed", route=route_of(request.scope), error=type(error).__name__, exc_info=True)
        return JSONResponse({"detail": "something went wrong on our side"}, status_code=500)

    mount_api_docs(app)
    mount_desk(app, service.desk)
    if mount is not None:
        mount(app)
    return app
