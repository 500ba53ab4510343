"""The ASGI application: webhooks, files that were sent, the agents' desk, health, and a demo's `/try` page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from bot.api.campaigns import campaigns_router
from bot.api.payments import payments_router
from bot.api.recharges import recharges_router
from bot.api.requests import requests_router
from bot.campaigns import bulk_rates
from bot.desk.app import mount_desk
from bot.files import files_router
from bot.service import Service

log = structlog.get_logger()


def create_app(service: Service, *, work: bool = True, mount: Callable[[FastAPI], None] | None = None) -> FastAPI:
    """The application around `service`; it starts and stops with it. `mount` adds routes (the demo's)."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.start(work=work)
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="Relève", lifespan=lifespan, docs_url="/api/docs", redoc_url=None, openapi_url="/api/openapi.json"
    )
    for carrier in service.carriers:
        app.include_router(carrier.router(service.intake), include_in_schema=False)
    app.include_router(files_router(service.links, service.database, service.attachments))

    rates = bulk_rates(service.carriers, service.settings.bulk_share)
    app.include_router(campaigns_router(service.database, service.assistant.texts, service.operator, rates))
    app.include_router(payments_router(service.database))
    app.include_router(recharges_router(service.database, service.operator))
    app.include_router(requests_router(service.database, service.operator))

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        """The process answers. Says nothing of its database: restarting would not help that."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        """Whether messages can be taken and answered now."""
        lacking = await service.lacks()
        return JSONResponse(
            {"status": "not ready" if lacking else "ready", "lacks": lacking, "model": service.assistant.model_name},
            status_code=503 if lacking else 200,
        )

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        """No traceback reaches anyone; the carrier tries again, the operator finds it in the log."""
        log.error("http.failed", path=request.url.path, error=type(error).__name__, exc_info=True)
        return JSONResponse({"detail": "something went wrong on our side"}, status_code=500)

    mount_desk(app, service.desk)
    if mount is not None:
        mount(app)
    return app
