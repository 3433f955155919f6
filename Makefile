# The entry point for all tasks. Every target installs and builds its prerequisites if they are missing.

# The command line tool of wasm-bindgen must have the version of the crate.
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/ { n; s/^version = "\(.*\)"$$/\1/p; }' Cargo.lock)
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.1
CARGO_MUTANTS := 27.1.0

CORE := Cargo.toml Cargo.lock .cargo/config.toml $(wildcard src/*.rs src/*/*.rs)
EXPLAIN := explain/Cargo.toml $(wildcard explain/src/*.rs explain/src/*/*.rs)
BINDGEN := target/tools/bin/wasm-bindgen
WORKER := $(CORE) $(EXPLAIN) worker/Cargo.toml $(wildcard worker/*.js worker/page/* worker/src/*.rs worker/src/*/*.rs worker/src/*/*/*.rs) \
	tools/build-worker.mjs tools/crates.mjs $(BINDGEN) node_modules/.package-lock.json
RUSTDOC := RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --package walnut-webhooks --package walnut-webhooks-explain --features walnut-webhooks/edge,walnut-webhooks/http
PKG := $(CORE) $(EXPLAIN) $(wildcard pkg-templates/sdk/*) $(wildcard tools/*.mjs tools/contract/Cargo.toml tools/contract/src/*) $(wildcard LICENSE-*) \
	$(BINDGEN) node_modules/.package-lock.json
CLI := pkg/package.json worker/build/index.js worker/machine.js $(wildcard pkg-templates/cli/* pkg-templates/cli/*/*.ts pkg-templates/cli/*/*/*) \
	$(wildcard harness/*.* harness/*/*.ts)

.PHONY: help run test compat supply bench bench-edge bench-start soak flood lint contract docs build pkg worker prerequisites clean panic-free ct fuzz trust mutants mutants-core mutants-facade
.DELETE_ON_ERROR:
# Each build uses all cores by itself, and several builds write the same files.
.NOTPARALLEL:
# Flags from the environment would replace the flags in .cargo/config.toml.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR

help: ## List the targets
	@awk -F ':.*## ' 'sub(/\\$$/, "") { line = line $$0; next } { $$0 = line $$0; line = "" } /^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: pkg worker ## Run the edge, an origin and the harness together; ONCE=1 ends after one delivery
	@node tools/run.mjs

test: ## Run every suite
test: lint pkg worker target/worker-failpoints/index.js target/pkg-trap/package.json \
	tests/node_modules/.package-lock.json examples/node_modules/.package-lock.json
	cargo test --locked --workspace
	node_modules/.bin/tsc --project tests/package
	node_modules/.bin/tsc --project harness
	tools/prerequisites.sh browser
	tools/prerequisites.sh redis
	tools/prerequisites.sh postgres
	# The timeout applies to each file. No test needs that long, so only a hang fails. Three files run at once, because most
	# tests wait more than they compute. The Worker's tests take longest, so they start first.
	node --test --test-reporter=spec --test-timeout=1500000 --test-concurrency=3 tests/worker/*.test.mjs \
		$(filter-out tests/worker/%,$(wildcard tests/*/*.test.mjs))

compat: pkg tests/node_modules/.package-lock.json tests/compat/node_modules/.package-lock.json ## Test more versions of TypeScript and more tool chains
	node --test --test-reporter=spec --test-timeout=1500000 tests/compat/*.mjs

supply: pkg worker target/tools/bin/cargo-deny tests/node_modules/.package-lock.json \
	tests/compat/node_modules/.package-lock.json tests/mutation/node_modules/.package-lock.json \
	examples/node_modules/.package-lock.json bench/node_modules/.package-lock.json ## Check the dependencies, list the shipped ones, and compare two builds; with STRICT=1, an unreachable service is a failure
	node tools/supply.mjs
	node tools/sbom.mjs
	node tools/reproducible.mjs

# ONLY and SIZES select a part of the package's benchmark. For a part of the edge's benchmark, use `bench-edge`.
bench: pkg worker bench/node_modules/.package-lock.json tests/node_modules/.package-lock.json | prerequisites ## Compare the package and the edge with alternatives; ONLY=verify SIZES=851 for a part of the package
	node bench/sdk.mjs
	$(if $(ONLY)$(SIZES)$(ROUNDS),,node bench/edge.mjs)

bench-edge: worker tests/node_modules/.package-lock.json ## Measure only the edge; ONLY=direct SIZES=1024 for a part
	node bench/edge.mjs

# Not part of `bench`, because it takes some minutes.
bench-start: pkg tests/node_modules/.package-lock.json ## Measure the start and the memory of `edge start`; ONLY=starts for a part
	node bench/start.mjs

soak: pkg ## Send 20,000 events to `edge start` during kills and failures, and count the deliveries; set EVENTS, KILLS, SHARDS and SEED to change it
	node bench/soak.mjs

flood: worker ## Send 100,000 forgeries to the edge during a key reset, and count the deliveries; set FORGERIES, GENUINE and ROUNDS to change it
	node bench/flood.mjs

panic-free: pkg ## Check that the core can't panic in the package's WebAssembly; tests/panic-free.json lists the panics of dependencies
	@node tools/panic-free.mjs

ct: pkg ## Look for a timing leak in the comparison of signatures; TIMES=10 for more measurements
	@node bench/ct/ct.mjs

# Not part of the suites, because it needs a nightly Rust and a C++ compiler, and never ends by itself.
fuzz: target/tools/bin/cargo-fuzz ## Fuzz each parser; ONLY=header for one target, SECONDS for the time of each target (60)
	tools/prerequisites.sh nightly
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz -- --deny warnings
	node tools/fuzz.mjs

trust: pkg worker tests/node_modules/.package-lock.json ## Run the security checks in their quick form, and print a table; ONLY=ct,fuzz for a part
	@node tools/trust.mjs

mutants: mutants-core mutants-facade ## Change the code in one place at a time, and check that a test fails; takes long without QUICK=1

# QUICK=1: only the functions that decide on a signature.
mutants-core: target/tools/bin/cargo-mutants
	CARGO_TARGET_DIR=$(CURDIR)/target/mutants target/tools/bin/cargo-mutants mutants --package walnut-webhooks --package walnut-webhooks-explain --jobs 1 --output target \
		$(if $(QUICK),--re 'verify\.rs.*(find_key|precheck|is_too_long)|signature\.rs.*(parse|malformed|eq)')

# QUICK=1: only the modules that check a body and a header and pass them to the core.
mutants-facade: target/pkg-trap/package.json tests/node_modules/.package-lock.json tests/mutation/node_modules/.package-lock.json
	node tests/mutation/facade.mjs $(if $(QUICK),input error options)

lint: | prerequisites ## Check the format, the lints and the crate's documentation
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path bench/ct/native/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --package walnut-webhooks -- --deny warnings
	cargo clippy --locked --package walnut-webhooks --package walnut-webhooks-explain \
		--features walnut-webhooks/wasm,walnut-webhooks-explain/wasm --target wasm32-unknown-unknown -- --deny warnings
	$(RUSTDOC)

contract: | prerequisites ## Rewrite the tables of docs/errors.md from src/error.rs
	node tools/contract.mjs

# `pkg` leaves the package's sources in target/pkg-src/, including the generated ones.
docs: pkg tests/node_modules/.package-lock.json ## Write the API reference into target/docs/: js/ for the package, rust/ for the crate
	rm -rf target/docs target/doc
	node tests/node_modules/typedoc/bin/typedoc --tsconfig docs/tsconfig.json
	$(RUSTDOC)
	mv target/doc target/docs/rust

build: pkg worker ## Build pkg/ and pkg-cli/, the npm packages, and worker/build/, the Worker's bundle

pkg: pkg/package.json pkg-cli/package.json node_modules/walnut-webhooks node_modules/.bin/walnut-webhooks
worker: worker/build/index.js

pkg/package.json: $(PKG) | prerequisites
	node tools/build-pkg.mjs

pkg-cli/package.json: $(CLI)
	node tools/build-cli.mjs

# After pkg/, because Cargo builds both to the same file.
target/pkg-trap/package.json: $(PKG) pkg/package.json | prerequisites
	node tools/build-pkg.mjs --trap

# The examples and the tests import the package by its name, like users.
node_modules/walnut-webhooks: node_modules/.package-lock.json
	ln -sfn ../pkg $@

# The link that npm would make, for npx.
node_modules/.bin/walnut-webhooks: node_modules/.package-lock.json
	ln -sfn ../../pkg-cli/main.js $@

worker/build/index.js: $(WORKER) | prerequisites
	node tools/build-worker.mjs

target/worker-failpoints/index.js: $(WORKER) | prerequisites
	node tools/build-worker.mjs --failpoints

# The dependencies of the build and of the programs are installed at the root. The tests, the benchmarks and the examples
# have their own package.json.
node_modules/.package-lock.json: package.json package-lock.json | prerequisites
	npm ci --include=dev --include=optional --no-audit --no-fund --ignore-scripts
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | prerequisites
	npm ci --include=dev --include=optional --no-audit --no-fund --ignore-scripts --prefix $*
	@touch $@

# A tool is rebuilt when the file that states its version changes.
$(BINDGEN): Cargo.lock | prerequisites
	tools/prerequisites.sh tool wasm-bindgen wasm-bindgen-cli $(WASM_BINDGEN)

target/tools/bin/cargo-deny: Makefile | prerequisites
	tools/prerequisites.sh tool cargo-deny cargo-deny $(CARGO_DENY)

target/tools/bin/cargo-fuzz: Makefile | prerequisites
	tools/prerequisites.sh tool cargo-fuzz cargo-fuzz $(CARGO_FUZZ)

target/tools/bin/cargo-mutants: Makefile | prerequisites
	tools/prerequisites.sh tool cargo-mutants cargo-mutants $(CARGO_MUTANTS)

prerequisites:
	@tools/prerequisites.sh toolchains

clean: ## Remove everything that was built
	rm -rf target pkg pkg-cli worker/build node_modules */node_modules tests/compat/node_modules tests/mutation/node_modules examples/*/.next examples/*/.svelte-kit \
		examples/*/build examples/*/dist
