# `make run` starts the whole system, `make test` runs the tests, `make check` every other check.

VENV := .venv
PY := $(VENV)/bin/python
# Any Python from 3.11 on; PYTHON=… names another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WITHIN := $(PY) -m config.embedded.within
# Checks need settings that load, but no server.
SETTINGS := DAYINGXIAO_ENV=test DJANGO_SETTINGS_MODULE=config.settings
# `check --deploy` looks at production's settings; these values serve nobody.
DEPLOY := DAYINGXIAO_ENV=production SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	DATABASE_URL=postgresql://app@127.0.0.1:1/x DATABASE_OWNER_URL=postgresql://owner@127.0.0.1:1/x \
	REDIS_URL=redis://127.0.0.1:1/0 PERSONAL_DATA_KEYS=dGVzdC1rZXktdGVzdC1rZXktdGVzdC1rZXktdGVzdCE= \
	BLIND_INDEX_KEY=dGVzdC1pbmRleC10ZXN0LWluZGV4LXRlc3QtaW5kZXg= ALLOWED_HOSTS=example.com

.PHONY: run test check chaos bench screenshots story acceptance format migrate migrations messages env env-dev clean help
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1	/' | expand -t 14

run: env ## Start everything; Ctrl-C stops it (PORT=…, DATABASE_URL=…, REDIS_URL=…)
	@exec $(PY) -m config.embedded.run

test: env-dev ## Run the tests, a process for each core (ARGS=… for pytest)
	@$(PY) -m config.embedded.system_packages chromium
	@$(PY) -m config.embedded.browser_libraries
	@$(PY) -m config.embedded.messages
	$(PY) -m pytest -q -n auto --dist loadgroup --no-loadscope-reorder $(ARGS)

check: env-dev ## Format, lint, types, layers, migrations, deployment, API description
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(SETTINGS) $(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(SETTINGS) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(SETTINGS) $(PY) -W ignore::RuntimeWarning manage.py permission_table --check
	$(DEPLOY) $(PY) manage.py check --deploy --fail-level WARNING
	$(SETTINGS) $(PY) manage.py api_description --check

chaos: env-dev ## Kill processes in the middle of billing runs, over and over (ROUNDS=…)
	$(PY) -m tests.chaos $(ROUNDS)

bench: env-dev ## Run the benchmarks (NAME=… for one)
	$(WITHIN) $(PY) -m benchmarks $(NAME)

screenshots: env-dev ## Take the pictures of the README (ARGS="--all DIR": of every page)
	@$(PY) -m config.embedded.system_packages chromium
	@$(PY) -m config.embedded.browser_libraries
	$(PY) -m tests.screenshots $(ARGS)

story: env-dev ## Play one day of the whole house in a browser, with pictures
	@$(PY) -m config.embedded.system_packages chromium
	@$(PY) -m config.embedded.browser_libraries
	$(PY) -m tests.story

acceptance: env-dev ## Walk through the acceptance list
	@$(PY) -m config.embedded.browser_libraries
	$(PY) -m tests.acceptance

format: env-dev ## Format the code and mend what the linter can
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format .

migrate: env ## Bring the development database up to date
	DAYINGXIAO_AS=owner $(WITHIN) sh -c '$(PY) manage.py migrate && $(PY) manage.py load_reference'

migrations: env ## Write migrations for changed models
	DAYINGXIAO_AS=owner $(WITHIN) $(PY) manage.py makemigrations

messages: env ## Compile the translations
	@$(PY) -m config.embedded.messages

clean: ## Remove everything make has made, the demo data too
	@if [ -x $(PY) ]; then $(PY) -m config.embedded.clean; fi
	rm -rf $(VENV) node_modules config/shared/static/vendor \
		.pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, in the project's own folder, made again only when a lock file changes.
env: $(VENV)/.installed
env-dev: $(VENV)/.installed-dev

$(VENV)/.installed: requirements.lock
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.installed-dev: requirements.lock requirements-dev.lock
	@$(call install,requirements-dev.lock)
	@touch $(VENV)/.installed $@

# uv is quicker; should it not reach the package index that pip is set up for, pip does it.
define install
	if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed; PYTHON=… names it."; exit 1; fi; \
	echo "▸ 准备 Python 环境 · Preparing the Python environment"; \
	if ! $(PY) -c '' 2>/dev/null; then rm -rf $(VENV); \
		if command -v uv >/dev/null; then uv venv --quiet --seed --python "$(PYTHON)" $(VENV) || exit 1; \
		else "$(PYTHON)" -m venv $(VENV) || exit 1; fi; fi; \
	if command -v uv >/dev/null && uv pip install --quiet --python $(PY) --require-hashes -r $(1); then :; \
	else $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1); fi
endef
