# Every command a person runs. `make` alone lists them.

# The runtime: `spin` where it is on the PATH, else `spin-local`, which is built from this
# tree. `SPIN=spin-local` or `SPIN=/path/to/spin` chooses.
SPIN ?= $(shell command -v spin >/dev/null 2>&1 && echo spin || echo spin-local)
ifeq ($(SPIN),spin-local)
RUNTIME = target/debug/spin-local
RUNTIME_BUILT = build-spin-local
else
RUNTIME = $(SPIN)
RUNTIME_BUILT =
endif

PRODUCER = 127.0.0.1:3000
CONSUMER = 127.0.0.1:3002

# The manifests look for components here, wherever the environment sends other builds.
CARGO_BUILD = cargo build --target-dir target
WASM = $(CARGO_BUILD) --release --target wasm32-wasip2

.PHONY: help setup build-all build-hmac build-producer build-consumer build-spin-local \
	start-producer start-consumer register-consumer fire-webhook demo test lint bench clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing, or say what cannot be installed
	@sh scripts/setup.sh

build-all: setup ## Build every component
	$(WASM) -p hmac-component -p webhook-producer -p webhook-consumer

build-hmac: setup ## Build the HMAC component
	$(WASM) -p hmac-component

build-producer: build-hmac ## Build the producer and the component it signs with
	$(WASM) -p webhook-producer

build-consumer: build-hmac ## Build the consumer and the component it verifies with
	$(WASM) -p webhook-consumer

build-spin-local: setup ## Build the runtime used where Spin is missing
	$(CARGO_BUILD) --bin spin-local

start-producer: build-producer $(RUNTIME_BUILT) ## Serve the producer on 127.0.0.1:3000
	$(RUNTIME) up --from webhook-producer --listen $(PRODUCER) --sqlite @migrations.sql \
		--variable allow_private_hosts=true

start-consumer: build-consumer $(RUNTIME_BUILT) ## Serve the consumer on 127.0.0.1:3002
	$(RUNTIME) up --from webhook-consumer --listen $(CONSUMER)

register-consumer: ## Register the running consumer with the running producer
	curl -sS --fail-with-body -X POST http://$(PRODUCER)/registrations \
		-H 'content-type: application/json' \
		-d '{"url": "http://$(CONSUMER)/target", "event": "*"}'

fire-webhook: ## Have the producer fire a signed webhook at every registered consumer
	curl -sS --fail-with-body -X POST http://$(PRODUCER)/fire

demo: build-all $(RUNTIME_BUILT) ## Register, sign, send and verify one webhook, start to end
	@sh scripts/demo.sh $(RUNTIME)

test: setup ## Run every test
	cargo test

lint: setup ## Check formatting, and lint the host's and the components' code
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --release --target wasm32-wasip2 -p hmac-component -p webhook-producer \
		-p webhook-consumer -p probe -- -D warnings

bench: build-all ## Measure speed; the last table is in benchmarks/
	$(CARGO_BUILD) --release --bin spin-local --bin benchmarks
	target/release/benchmarks

clean: ## Remove what was built and what the apps stored
	cargo clean
	rm -rf webhook-producer/.spin webhook-consumer/.spin
