"""`/healthz`, `/readyz` and `/metrics`: for balancers, supervisors of processes, and Prometheus."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from bot.readiness import Readiness
from bot.telemetry.heartbeat import STILL_SECONDS, Heartbeat


class CheckShown(BaseModel):
    """One condition of `/readyz`; `reason` is there when it is not met."""

    name: str
    ok: bool
    reason: str | None = None


def health_router(readiness: Readiness, heartbeat: Heartbeat, model: str) -> APIRouter:
    """Both answer whoever asks, and say nothing that is secret."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        """200 while the process is alive. 503 when its loop does not come to what is due: then it is to be restarted.

        Says nothing of the database: restarting this process would not help that.
        """
        if heartbeat.is_beating:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": f"no heartbeat for {STILL_SECONDS:.0f} seconds"}, status_code=503)

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        """200 when messages can be taken and handled here now; 503 with the reasons otherwise."""
        checks = [
            CheckShown(name=each.name, ok=each.reason is None, reason=each.reason) for each in await readiness.look()
        ]
        lacks = [each.reason for each in checks if each.reason is not None]
        return JSONResponse(
            {
                "status": "not ready" if lacks else "ready",
                "lacks": lacks,
                "checks": [each.model_dump() for each in checks],
                "model": model,
            },
            status_code=503 if lacks else 200,
        )

    return router
