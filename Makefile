# `make demo` and `make test` need git, make, Python 3.11 or later and the package registries; nothing else.
PYTHON ?= python3
# In how many processes the tests run; each file of them in one.
PROCESSES ?= 2
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)

.PHONY: demo test audit lint format catalogues bench clean

demo: $(UV)
	$(UV) sync --frozen --no-dev --quiet
	$(UV) run --frozen --no-dev releve demo

test: $(UV) lint
	$(UV) run --no-sync python security/audit.py --uv $(UV) --if-reachable
	$(UV) run --no-sync pytest --numprocesses $(PROCESSES) --dist loadfile

lint: $(UV)
	$(UV) sync --frozen --all-extras --compile-bytecode --quiet
	$(UV) run --frozen --all-extras ruff check
	$(UV) run --frozen --all-extras ruff format --check
	$(UV) run --frozen --all-extras mypy

# Known holes in what is installed; see security/accepted.toml.
audit: $(UV)
	$(UV) run --frozen python security/audit.py --uv $(UV)

format: $(UV)
	$(UV) run --frozen --all-extras ruff check --fix
	$(UV) run --frozen --all-extras ruff format

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
