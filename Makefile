# Every command that a person runs. `make` alone lists them.

# The runtime: `spin` if it is on the PATH, otherwise `spin-local`, which is built from this tree.
# `SPIN=spin-local` or `SPIN=/path/to/spin` selects one.
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

# The manifests expect components in this folder, even if CARGO_TARGET_DIR is set.
CARGO_BUILD = cargo build --target-dir target
WASM = $(CARGO_BUILD) --release --target wasm32-wasip2
BUILT = target/wasm32-wasip2/release

TEST_TOOLS = setup-redis setup-postgres setup-queues setup-brokers setup-kubernetes setup-chaos setup-interop setup-examples \
	setup-pages setup-image

# As in the original sample: any caller may register a key, and every scheme is accepted. For a
# developer's own machine only.
OPEN = --variable open_handshake=true --variable weakest_scheme=plain

.PHONY: help setup setup-redis setup-postgres setup-queues setup-kafka setup-brokers setup-kubernetes setup-chaos setup-interop \
	setup-examples setup-image setup-pages setup-lint setup-tests build-all build-tested \
	build-hmac build-apps build-producer build-consumer build-server-store build-guard build-examples \
	build-sender build-spin-local start-producer \
	start-consumer register-consumer fire-webhook demo demo-sender demo-redis demo-queues demo-postgres pages \
	demo-polyglot \
	test lint lint-host lint-components chaos fuzz bench dist package push deploy-cloud deploy-akamai clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-20s %s\n", $$1, $$2 }' Makefile

setup: ## Install missing tools, or report those that cannot be installed
	@sh scripts/setup.sh

setup-redis: setup
	@sh scripts/setup-redis.sh

setup-postgres: setup
	@sh scripts/setup-postgres.sh

setup-queues: setup
	@sh scripts/setup-queues.sh

setup-kafka: setup
	@sh scripts/setup-kafka.sh

setup-brokers: setup
	@sh scripts/setup-brokers.sh

setup-kubernetes: setup
	@sh scripts/setup-kubernetes.sh

setup-chaos: setup-redis setup-postgres
	@sh scripts/setup-chaos.sh

setup-interop: setup
	@sh scripts/setup-interop.sh

setup-examples: setup
	@sh scripts/setup-examples.sh

setup-pages: setup
	@sh scripts/setup-pages.sh

setup-image: setup
	@sh scripts/setup-image.sh

setup-lint: setup
	@sh scripts/setup-lint.sh

build-all: build-hmac ## Build every component
	$(WASM) -p webhook-producer -p webhook-consumer -p webhook-guard -p guarded-app

# In a command of its own: cargo builds a dependency with the features that any package of the command
# requests, and those of the other packages need the standard library. The copy is for tools that
# derive a component's name from its file, such as `wasm-tools compose -d`: names cannot contain
# underscores.
build-hmac: setup ## Build the HMAC component
	$(WASM) -p hmac-component
	@cp $(BUILT)/hmac_component.wasm $(BUILT)/hmac.wasm

build-apps: build-hmac ## Build the producer, the consumer and the component they use
	$(WASM) -p webhook-producer -p webhook-consumer

build-producer: build-hmac ## Build the producer and the component it signs with
	$(WASM) -p webhook-producer

build-consumer: build-hmac ## Build the consumer and the component it verifies with
	$(WASM) -p webhook-consumer

build-spin-local: setup ## Build the runtime used where Spin is missing
	$(CARGO_BUILD) --bin spin-local

# In a folder of its own: a component's file has the same name with every selection of features.
build-server-store: build-hmac ## Build the apps with their stores on a server: no SQLite
	cargo build --target-dir target/server-store --release --target wasm32-wasip2 \
		-p webhook-producer -p webhook-consumer -p webhook-guard \
		--no-default-features

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

demo: setup ## Register, sign, send and verify one webhook, start to end
	@MAKE='$(MAKE)' sh scripts/build-together.sh demo build-apps $(RUNTIME_BUILT)
	@sh scripts/demo.sh $(RUNTIME)

demo-sender: setup ## Publish, filter, transform, deliver, retry
	@MAKE='$(MAKE)' sh scripts/build-together.sh demo-sender build-apps build-sender $(RUNTIME_BUILT)
	@sh scripts/demo-sender.sh $(RUNTIME) target/debug/webhook-sender

demo-redis: setup-redis ## The same from a Redis stream
	@MAKE='$(MAKE)' sh scripts/build-together.sh demo-redis build-apps build-sender $(RUNTIME_BUILT)
	@sh scripts/demo-sender.sh $(RUNTIME) target/debug/webhook-sender redis

demo-queues: setup-redis setup-queues ## One event each through RabbitMQ, NATS and Redis
	@MAKE='$(MAKE)' sh scripts/build-together.sh demo-queues build-apps build-sender $(RUNTIME_BUILT)
	@sh scripts/demo-queues.sh $(RUNTIME) target/debug/webhook-sender

demo-postgres: setup-postgres ## One row of an outbox that is committed, and one that is rolled back
	@MAKE='$(MAKE)' sh scripts/build-together.sh demo-postgres build-apps build-sender $(RUNTIME_BUILT)
	@sh scripts/demo-postgres.sh $(RUNTIME) target/debug/webhook-sender

pages: setup ## Start a sender with sample data, and print the address and the key of its pages
	$(CARGO_BUILD) --bin webhook-sender --example pages
	@target/debug/examples/pages target/debug/webhook-sender

demo-polyglot: build-all build-examples $(RUNTIME_BUILT) ## Fire at consumers in Rust, Python and JavaScript
	@sh scripts/demo-polyglot.sh $(RUNTIME)

test: setup setup-kafka ## Run every test
	@MAKE='$(MAKE)' sh scripts/test.sh

# They run while the test programs compile: see scripts/test.sh.
setup-tests: $(TEST_TOOLS) ## Install the tools that tests need

build-tested: build-all build-server-store build-examples
	$(WASM) -p webhook-producer -p webhook-consumer -p webhook-guard -p guarded-app -p clock -p probe

lint: setup-lint setup-kafka ## Check formatting, spelling and documentation, and lint the code
	cargo fmt --all --check
	python3 scripts/prose.py
	@sh scripts/spelling.sh
	@MAKE='$(MAKE)' sh scripts/build-together.sh lint lint-host lint-components
	@if command -v cargo-deny >/dev/null 2>&1; then \
		cargo deny --locked check bans licenses sources && \
		if cargo deny fetch db >/dev/null 2>&1; then cargo deny --locked check advisories; \
		else echo 'left out: advisories, whose database cannot be fetched' >&2; fi; \
	else echo 'left out: cargo deny, which is not installed' >&2; fi

lint-host:
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' cargo doc --no-deps --document-private-items

# The crates that compile for other targets, and into other folders.
lint-components:
	CUSTOM_LIBFUZZER_PATH=/dev/null cargo check --locked --manifest-path fuzz/Cargo.toml --bins \
		--target-dir target/fuzz
	cargo clippy --release --target wasm32-wasip2 -p hmac-component -p scheme-sizes \
		--all-features -- -D warnings
	cargo clippy --release --target wasm32-wasip2 -p webhook-producer -p webhook-consumer \
		-p webhook-receiver -p webhook-guard -p guarded-app -p transform-component \
		-p clock -p probe -- -D warnings

# One cell or a row of cells: ONLY=redis/full. Random faults instead: CHAOS_SECONDS=600. The same run
# again: CHAOS_SEED=….
chaos: setup-chaos ## Run every fault against every store, and write docs/RELIABILITY.md
	$(CARGO_BUILD) --bin webhook-sender --bin chaos
	@target/debug/chaos --page docs/RELIABILITY.md

# Seconds for each target.
FUZZ_SECONDS = 60

fuzz: setup ## Fuzz the parsers of headers, timestamps, secrets and tags
	sh fuzz/run.sh $(FUZZ_SECONDS)

bench: build-all build-examples setup-redis setup-postgres setup-queues setup-kafka ## Measure speed; the last table is in benchmarks/
	CARGO_PROFILE_RELEASE_LTO=thin $(CARGO_BUILD) --release --bin spin-local --bin benchmarks --bench delivery
	target/release/benchmarks
	CARGO_PROFILE_RELEASE_LTO=thin cargo bench --bench delivery

package: setup ## Package the crates that are meant for a registry, and build them from the packages
	@sh scripts/package.sh

dist: build-all setup-image ## Make the archives of a release, in target/dist
	@sh scripts/dist.sh

push: setup ## Build both apps and push them: make push REGISTRY=ghcr.io/you
	@REGISTRY='$(REGISTRY)' sh scripts/push.sh

deploy-cloud: setup ## Deploy both apps to Fermyon Cloud; needs API_TOKEN and HANDSHAKE_TOKEN
	@sh scripts/deploy-cloud.sh

# Needs STORE_URL as well: postgres://… or rediss://…
deploy-akamai: setup ## Deploy both apps to Akamai Functions; needs API_TOKEN and HANDSHAKE_TOKEN
	@sh scripts/deploy-akamai.sh

clean: ## Remove everything that was built, and the state of the apps
	cargo clean
	rm -rf webhook-producer/.spin webhook-consumer/.spin examples/*/.spin
