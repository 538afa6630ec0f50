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
BUILT = target/wasm32-wasip2/release

# As the original sample: any caller may bring a key, and every scheme is accepted. For one's own
# machine only.
OPEN = --variable open_handshake=true --variable weakest_scheme=plain

.PHONY: help setup setup-redis setup-chaos setup-judges setup-examples setup-image build-all build-hmac build-producer \
	build-consumer build-guard build-examples build-sender build-spin-local start-producer \
	start-consumer register-consumer fire-webhook demo demo-sender demo-redis demo-polyglot \
	test lint chaos fuzz bench dist push deploy-cloud clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is missing, or say what cannot be installed
	@sh scripts/setup.sh

setup-redis: setup
	@sh scripts/setup-redis.sh

setup-chaos: setup-redis
	@sh scripts/setup-chaos.sh

setup-judges: setup
	@sh scripts/setup-judges.sh

setup-examples: setup
	@sh scripts/setup-examples.sh

setup-image: setup
	@sh scripts/setup-image.sh

build-all: build-hmac ## Build every component
	$(WASM) -p webhook-producer -p webhook-consumer -p webhook-guard -p guarded-app

# By itself: cargo gives a dependency the features that any package of one command asks for, and what
# others ask for brings the standard library. The copy is for tools that name a component after its
# file, `wasm-tools compose -d` among them: names have hyphens, and no underscores.
build-hmac: setup ## Build the HMAC component
	$(WASM) -p hmac-component
	@cp $(BUILT)/hmac_component.wasm $(BUILT)/hmac.wasm

build-producer: build-hmac ## Build the producer and the component it signs with
	$(WASM) -p webhook-producer

build-consumer: build-hmac ## Build the consumer and the component it verifies with
	$(WASM) -p webhook-consumer

build-spin-local: setup ## Build the runtime used where Spin is missing
	$(CARGO_BUILD) --bin spin-local

build-guard: build-hmac ## Build the guard, the component it verifies with, and the app it guards
	$(WASM) -p webhook-guard -p guarded-app

build-examples: build-hmac setup-examples ## Build the consumers in other languages
	@sh examples/consumer-python/build.sh
	@sh examples/consumer-javascript/build.sh

build-sender: setup ## Build the webhook sender
	$(CARGO_BUILD) --bin webhook-sender

start-producer: build-producer $(RUNTIME_BUILT) ## Serve the producer on 127.0.0.1:3000
	$(RUNTIME) up --from webhook-producer --listen $(PRODUCER) --sqlite @migrations.sql \
		--variable allow_private_hosts=true

start-consumer: build-consumer $(RUNTIME_BUILT) ## Serve the consumer on 127.0.0.1:3002
	@sh scripts/say-open.sh
	$(RUNTIME) up --from webhook-consumer --listen $(CONSUMER) $(OPEN)

register-consumer: ## Register the running consumer with the running producer
	@sh scripts/register-consumer.sh $(PRODUCER) $(CONSUMER)

fire-webhook: ## Have the producer fire a signed webhook at every registered consumer
	@sh scripts/fire-webhook.sh $(PRODUCER)

demo: build-all $(RUNTIME_BUILT) ## Register, sign, send and verify one webhook, start to end
	@sh scripts/demo.sh $(RUNTIME)

demo-sender: build-consumer build-sender $(RUNTIME_BUILT) ## Publish, filter, transform, deliver, retry
	@sh scripts/demo-sender.sh $(RUNTIME) target/debug/webhook-sender

demo-redis: setup-redis build-consumer build-sender $(RUNTIME_BUILT) ## The same from a Redis stream
	@sh scripts/demo-sender.sh $(RUNTIME) target/debug/webhook-sender redis

demo-polyglot: build-all build-examples $(RUNTIME_BUILT) ## Fire at consumers in Rust, Python and JavaScript
	@sh scripts/demo-polyglot.sh $(RUNTIME)

test: setup setup-redis setup-chaos setup-judges setup-examples setup-image ## Run every test
	cargo test

lint: setup ## Check formatting, and lint the host's and the components' code
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	CUSTOM_LIBFUZZER_PATH=/dev/null cargo check --locked --manifest-path fuzz/Cargo.toml --bins \
		--target-dir target/fuzz
	cargo clippy --release --target wasm32-wasip2 -p hmac-component -p scheme-sizes \
		--all-features -- -D warnings
	cargo clippy --release --target wasm32-wasip2 -p webhook-producer -p webhook-consumer \
		-p webhook-receiver -p webhook-guard -p guarded-app -p transform-component \
		-p clock -p probe -- -D warnings
	@if command -v cargo-deny >/dev/null 2>&1; then \
		cargo deny --locked check bans licenses sources && \
		if cargo deny fetch db >/dev/null 2>&1; then cargo deny --locked check advisories; \
		else echo 'left out: advisories, whose database cannot be fetched' >&2; fi; \
	else echo 'left out: cargo deny, which is not installed' >&2; fi

# One cell or a row of them: ONLY=redis/full. Random faults instead: CHAOS_SECONDS=600. The same run
# again: CHAOS_SEED=….
chaos: setup-chaos ## Run every fault against every store, and write docs/RELIABILITY.md
	$(CARGO_BUILD) --bin webhook-sender --bin chaos
	@target/debug/chaos --page docs/RELIABILITY.md

# How long each target is fuzzed, in seconds.
FUZZ_SECONDS = 60

fuzz: setup ## Fuzz what reads headers, timestamps, secrets and tags
	sh fuzz/run.sh $(FUZZ_SECONDS)

bench: build-all build-examples setup-redis ## Measure speed; the last table is in benchmarks/
	$(CARGO_BUILD) --release --bin spin-local --bin benchmarks --bench delivery
	target/release/benchmarks
	cargo bench --bench delivery

dist: build-all setup-image ## Make the archives of a release, in target/dist
	@sh scripts/dist.sh

push: setup ## Build both apps and push them: make push REGISTRY=ghcr.io/you
	@REGISTRY='$(REGISTRY)' sh scripts/push.sh

deploy-cloud: setup ## Deploy both apps to Fermyon Cloud; wants API_TOKEN and HANDSHAKE_TOKEN
	@sh scripts/deploy-cloud.sh

clean: ## Remove what was built and what the apps stored
	cargo clean
	rm -rf webhook-producer/.spin webhook-consumer/.spin examples/*/.spin
