# Doorkeeper's task runner: `make help` lists what there is.

CARGO ?= cargo
KAFKA := $(or $(DOORKEEPER_KAFKA),4.4.0)

.DEFAULT_GOAL := help
# Every target is a task and no file.
.PHONY: $(shell awk -F: '/^[a-z-]+:.*\#\# / {print $$1}' $(MAKEFILE_LIST))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary into target/release/doorkeeper
	$(CARGO) build --locked --release

image: ## Build the container image for amd64 and arm64 into target/image/oci (ARCH="amd64" for one)
	deploy/build-image.sh binaries $(ARCH)
	deploy/build-image.sh image $(ARCH)

image-test: ## Look into the image and run it, a real Kafka behind it (after make image)
	$(CARGO) test --locked --test deploy image::

dist: ## Archives, .deb, .rpm, SBOM and checksums for amd64 and arm64 into target/dist (ARCH="amd64" for one)
	deploy/dist.sh tools
	deploy/dist.sh binaries $(ARCH)
	deploy/dist.sh packages $(ARCH)

dist-test: ## Look into the packages, install and remove them in a copy of this machine (as root, after make dist)
	$(CARGO) test --locked --test deploy packages::

pods-test: ## Three Kafka brokers with sidecars in network namespaces, rolling restarts included (as root)
	$(CARGO) test --locked --test kafka pods::

test: ## All tests, a real Kafka included (DOORKEEPER_KAFKA=3.9.2 chooses another version)
	tests/tools/run-tests.sh

test-fast: lint ## The lints, and all tests that need neither Java nor Kafka
	tests/tools/run-tests.sh --fast

test-chart: ## The tests of the Helm charts alone
	$(CARGO) test --locked --test deploy helm::

chart: ## Write anew what is generated in the Helm charts: the tables of values, and the configuration's schema in theirs
	DOORKEEPER_UPDATE=1 $(CARGO) test --locked --test deploy helm::generated

demo-picture: ## The demo's account as docs/demo.svg, which the README shows
	$(CARGO) run --locked --example demo -- --once --record docs/demo.svg

equivalence: ## The same requests to Kafka's authorizer and through doorkeeper, compared (DOORKEEPER_KAFKA=3.9.2, 2.8.2 or 1.1.1)
	DOORKEEPER_KAFKA=$(KAFKA) DOORKEEPER_EQUIVALENCE=$(or $(DOORKEEPER_EQUIVALENCE),whole) $(CARGO) test --locked --test kafka equivalence:: -- --nocapture

authorizer-suite: ## Kafka's own tests of its authorizer through doorkeeper, the whole of them (METHODS="testFetch.*" for some)
	DOORKEEPER_AUTHORIZER_SUITE='$(or $(METHODS),whole)' $(CARGO) test --locked --test kafka authorizer_suite:: -- --nocapture

matrix: ## Brokers and clients of many versions through doorkeeper; WRITE=1 puts the outcome into docs/compatibility.md
	DOORKEEPER_MATRIX=$(if $(WRITE),write,whole) $(CARGO) test --locked --test kafka matrix:: -- --nocapture

never-through: ## A million random requests under ACLs that change all the time, each judged (REQUESTS=, SEED=)
	DOORKEEPER_NEVER_THROUGH=$(or $(REQUESTS),1000000) $(if $(SEED),DOORKEEPER_NEVER_THROUGH_SEED=$(SEED)) \
		$(CARGO) test --locked --test protocol never_through::nothing_goes_through -- --nocapture

fuzz: ## Every fuzz target for an hour (SECONDS=, TARGETS="frames names"); needs cargo install cargo-fuzz
	fuzz/run.sh $(or $(SECONDS),3600) $(TARGETS)

brokers: ## Requests that no broker may carry out, before brokers of many versions
	DOORKEEPER_BROKERS=whole $(CARGO) test --locked --test kafka brokers:: -- --nocapture

clients-at-kafka: ## The tests with stock clients, against Kafka's own authorizer instead of doorkeeper
	DOORKEEPER_CLIENTS_AGAINST=kafka $(CARGO) test --locked --test kafka clients::

lint: ## Formatting, clippy without warnings, and cargo-deny where it is installed
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@if $(CARGO) deny --version >/dev/null 2>&1; \
	then $(CARGO) deny --locked check bans licenses sources; \
	else echo "SKIPPED cargo deny: it is not installed (cargo install --locked cargo-deny)"; fi
	@if command -v actionlint >/dev/null; then actionlint; \
	else echo "SKIPPED actionlint: it is not installed (go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12)"; fi

bench: ## CPU per GiB and per request, beside Envoy where it can be had
	$(CARGO) bench --locked

demo: ## A three-broker cluster, three doorkeepers, and an account of what they do
	@# Beside each other: neither keeps two processors busy until its end. What fails is said by the demo, which looks once more.
	@$(CARGO) build --quiet --release --locked --manifest-path tests/mock-cluster/Cargo.toml --target-dir target/mock-cluster \
		2>/dev/null & $(CARGO) run --locked --example demo

deps: ## Install what the tests need beside Rust (Debian and Ubuntu, as root)
	apt-get update
	apt-get install -y --no-install-recommends build-essential default-jdk-headless maven kcat haproxy openssl \
		buildah runc iproute2 nftables prometheus zsh fish man-db rpm

ci: ## What CI runs
	.ci/run
