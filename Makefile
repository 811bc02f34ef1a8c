# Doorkeeper's task runner: `make help` lists what there is.

CARGO ?= cargo
KAFKA := $(or $(DOORKEEPER_KAFKA),4.4.0)

.DEFAULT_GOAL := help
.PHONY: help build test test-fast equivalence matrix clients-at-kafka lint bench demo deps ci

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary into target/release/doorkeeper
	$(CARGO) build --locked --release

test: ## All tests, a real Kafka included (DOORKEEPER_KAFKA=3.9.2 chooses another version)
	tests/tools/run-tests.sh

test-fast: ## All tests that need neither Java nor Kafka
	tests/tools/run-tests.sh --fast

equivalence: ## The same requests to Kafka's authorizer and through doorkeeper, compared
	DOORKEEPER_KAFKA=$(KAFKA) $(CARGO) test --locked --test kafka_equivalence -- --nocapture

matrix: ## Brokers and clients of many versions through doorkeeper; WRITE=1 puts the outcome into the README
	DOORKEEPER_MATRIX=$(if $(WRITE),write,whole) $(CARGO) test --locked --test kafka_matrix -- --nocapture

clients-at-kafka: ## The tests with stock clients, against Kafka's own authorizer instead of doorkeeper
	DOORKEEPER_CLIENTS_AGAINST=kafka $(CARGO) test --locked --test kafka_clients

lint: ## Formatting, clippy without warnings, and cargo-deny where it is installed
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; \
	then $(CARGO) deny --locked check bans licenses sources; \
	else echo "SKIPPED cargo deny: it is not installed (cargo install --locked cargo-deny)"; fi

bench: ## CPU per GiB and per request, beside Envoy where it can be had
	$(CARGO) bench --locked

demo: ## A three-broker cluster, three doorkeepers, and an account of what they do
	$(CARGO) run --locked --release --example demo

deps: ## Install what the tests need beside Rust (Debian and Ubuntu, as root)
	apt-get update
	apt-get install -y --no-install-recommends build-essential default-jdk-headless maven kcat openssl

ci: ## What CI runs
	.ci/run
