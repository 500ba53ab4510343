"""A worker process: handles messages and sends replies, takes nothing in but questions about its health."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import uvicorn
from fastapi import FastAPI

from bot.health import health_router
from bot.server import Server
from bot.service import Service
from bot.stopping import Stopping
from bot.telemetry.exposition import metrics_router
from bot.vitals import watched


async def run_worker(service: Service, host: str, port: int | None) -> int:
    """Work until told to stop, then finish what is in hand; the exit code.

    With a `port`, `/healthz`, `/readyz` and `/metrics` are answered there.
    """
    stopping = Stopping(service, drain_seconds=0)
    stopped = asyncio.Event()
    stopping.then(stopped.set)
    stopping.listen()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(watched(service.settings))
        await service.start(receive=False)
        stack.push_async_callback(service.stop)
        if port is not None:
            server = Server(_config(service, host, port))
            serving = asyncio.create_task(server.serve(), name="health")
            stack.push_async_callback(lambda: serving)
            stack.callback(server.close_the_port)
        await stopped.wait()
    return stopping.exit_code


def _config(service: Service, host: str, port: int) -> uvicorn.Config:
    app = FastAPI(openapi_url=None)
    app.include_router(health_router(service.readiness, service.heartbeat, service.assistant.model_name))
    app.include_router(metrics_router(service.figures, service.settings.metrics_token))
    return uvicorn.Config(app, host=host, port=port, lifespan="off", log_config=None, access_log=False)
