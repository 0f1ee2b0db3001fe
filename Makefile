# make run     the demo on http://localhost:8000
# make test    all tests
# make check   format, lint, types, import contracts
# make deep    the tests that have a long form, in that form: minutes instead of seconds
# make bench   benchmarks
# make pictures  take the pictures of docs/ anew, in a real browser
# make messages  bring the catalogues of every language up to date with the pages
# make lock    resolve the dependencies anew
#
# Assumes python3 (3.11 or newer) and make. All that is installed goes into .venv, exactly as requirements/*.lock say.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --build-deps-for editable \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.PHONY: run test deep check format messages pictures bench lock clean
.DELETE_ON_ERROR:

run: $(VENV)/run.stamp
	$(BIN)/link-gateway demo $(ARGS)

test: $(VENV)/test.stamp
	@.ci/packages
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 $(ARGS)

deep: $(VENV)/test.stamp
	LINK_GATEWAY_DEEP=1 $(BIN)/python -m pytest tests/api/test_durability.py tests/api/test_openapi.py \
		tests/gateway/edge/test_express_heads.py tests/gateway/edge/test_plain.py tests/e2e/test_sleeping_pages.py \
		tests/proxies/test_rolling_restart.py \
		tests/exchanges/test_leaks.py tests/deploy/test_container.py --timeout 900 -o faulthandler_timeout=960 $(ARGS)

check: $(VENV)/test.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.messages check

format: $(VENV)/test.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

messages: $(VENV)/test.stamp
	$(BIN)/python -m tools.messages update

pictures: $(VENV)/test.stamp
	@.ci/packages
	$(BIN)/python -m tools.pictures

bench: $(VENV)/test.stamp
	@benchmarks/packages
	$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/test.stamp
	$(PIP) install pip-tools==7.6.2
	$(LOCK) --upgrade --extra embedded --output-file requirements/run.lock pyproject.toml
	$(LOCK) --upgrade --extra embedded --extra otel --constraint requirements/run.lock \
		--output-file requirements/otel.lock pyproject.toml
	$(LOCK) --upgrade --extra embedded --extra otel --extra test --constraint requirements/otel.lock \
		--output-file requirements/test.lock pyproject.toml

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# A stamp is younger than everything it stands for, so the second run has nothing to install.
$(VENV)/run.stamp: requirements/run.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/run.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/test.stamp: requirements/test.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements/test.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/run.stamp
