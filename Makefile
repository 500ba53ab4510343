# `make demo` and `make test` need git, make, Python 3.11 or later and the package registries; nothing else.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)

.PHONY: demo test lint format catalogues bench clean

demo: $(UV)
	$(UV) sync --frozen --no-dev --quiet
	$(UV) run --frozen --no-dev releve demo

test: $(UV) lint
	$(UV) run --frozen pytest

lint: $(UV)
	$(UV) sync --frozen --quiet
	$(UV) run --frozen ruff check
	$(UV) run --frozen ruff format --check
	$(UV) run --frozen mypy

format: $(UV)
	$(UV) run --frozen ruff check --fix
	$(UV) run --frozen ruff format

# After a change of a French text: what the translators have to do.
catalogues: $(UV)
	$(UV) run --frozen python -m bot.catalogues
	$(UV) run --frozen python -m bot.desk.wording

bench: $(UV)
	$(UV) run --frozen python bench/run.py

# Where uv is not installed, pip puts it into the project.
.tools/bin/uv:
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools uv

clean:
	rm -rf .venv .tools .cache .mypy_cache .ruff_cache .pytest_cache models demo.db demo.db-wal demo.db-shm demo.key
