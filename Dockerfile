# Relève in a container: the service with its trained model, nothing that only training or tests need.
#
#   docker build -t releve .
#   docker run --env-file .env -p 8000:8000 releve
#
# The model is trained in the build, so that an image and its model belong together.

FROM python:3.12-slim AS build
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PROJECT_ENVIRONMENT=/app/.venv UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv>=0.11,<1"
WORKDIR /app
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project --extra photos --extra tracing
COPY . .
RUN uv sync --frozen --no-dev --extra photos --extra tracing && .venv/bin/releve train --quiet

FROM python:3.12-slim
# pg_dump for `releve db backup`: no older than the server.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/releve releve
COPY --from=build --chown=root:root /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 RELEVE_MODEL_DIR=/app/models \
    RELEVE_SPOOL_DIR=/var/lib/releve/spool
USER 10001
# SQLite, where it is used, belongs on a volume here: RELEVE_DATABASE_URL=sqlite+aiosqlite:////var/lib/releve/releve.db
VOLUME /var/lib/releve
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
# A signal to stop reaches `releve` itself, which finishes what it has in hand.
STOPSIGNAL SIGTERM
ENTRYPOINT ["releve"]
CMD ["serve", "--host", "0.0.0.0"]
