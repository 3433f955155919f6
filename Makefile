# The front door. Every target does its own set-up, and skips what is there already.

# wasm-bindgen's tool has to be of its crate's version.
WASM_BINDGEN := $(shell sed -n '/^name = "wasm-bindgen"$$/ { n; s/^version = "\(.*\)"$$/\1/p; }' Cargo.lock)
CARGO_DENY := 0.20.2
CARGO_FUZZ := 0.13.1
CARGO_MUTANTS := 27.1.0

CORE := Cargo.toml Cargo.lock .cargo/config.toml $(wildcard src/*.rs src/*/*.rs)
EXPLAIN := explain/Cargo.toml $(wildcard explain/src/*.rs)
BINDGEN := target/tools/bin/wasm-bindgen
WORKER := $(CORE) $(EXPLAIN) worker/Cargo.toml $(wildcard worker/*.js worker/page/* worker/src/*.rs worker/src/*/*.rs worker/src/*/*/*.rs) \
	tools/build-worker.mjs tools/crates.mjs $(BINDGEN) node_modules/.package-lock.json
RUSTDOC := RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --package walnut-webhooks --package walnut-webhooks-explain --features walnut-webhooks/edge,walnut-webhooks/http
PKG := $(CORE) $(EXPLAIN) $(wildcard pkg-templates/sdk/*) $(wildcard tools/*.mjs tools/contract/Cargo.toml tools/contract/src/*) $(wildcard LICENSE-*) \
	$(BINDGEN) node_modules/.package-lock.json
CLI := pkg/package.json worker/build/index.js worker/machine.js $(wildcard pkg-templates/cli/* pkg-templates/cli/*/*.ts pkg-templates/cli/*/*/*) \
	$(wildcard harness/*.* harness/*/*.ts)

.PHONY: help run test compat supply bench bench-edge soak flood lint contract docs build pkg worker prerequisites clean panic-free ct fuzz trust mutants mutants-core mutants-facade
.DELETE_ON_ERROR:
# What builds does so on all cores by itself, and into files that another build has as well.
.NOTPARALLEL:
# Flags of somebody's own would take the place of those in .cargo/config.toml.
unexport RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR

help: ## Say what there is to make
	@awk -F ':.*## ' 'sub(/\\$$/, "") { line = line $$0; next } { $$0 = line $$0; line = "" } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: pkg worker ## Show the main job, live: edge, origin and harness; ONCE=1 ends after one delivery
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
	# The time is for a whole file, and far above what any takes: what hangs fails.
	node --test --test-reporter=spec --test-timeout=1500000 tests/*/*.test.mjs

compat: pkg tests/node_modules/.package-lock.json tests/compat/node_modules/.package-lock.json ## Check more versions of TypeScript, and tool chains beyond the main ones
	node --test --test-reporter=spec --test-timeout=1500000 tests/compat/*.mjs

supply: pkg worker target/tools/bin/cargo-deny tests/node_modules/.package-lock.json \
	tests/compat/node_modules/.package-lock.json tests/mutation/node_modules/.package-lock.json \
	examples/node_modules/.package-lock.json bench/node_modules/.package-lock.json ## Check what comes from others, list what is shipped, and build it twice; STRICT=1 fails where nobody answers
	node tools/supply.mjs
	node tools/sbom.mjs
	node tools/reproducible.mjs

# A part is the package's; of the edge, bench-edge has parts.
bench: pkg worker bench/node_modules/.package-lock.json tests/node_modules/.package-lock.json | prerequisites ## Measure it beside its peers; ONLY=verify SIZES=851 for a part of the package
	node bench/sdk.mjs
	$(if $(ONLY)$(SIZES)$(ROUNDS),,node bench/edge.mjs)

bench-edge: worker tests/node_modules/.package-lock.json ## Measure the edge alone; ONLY=direct SIZES=1024 for a part
	node bench/edge.mjs

soak: worker ## Send the edge 20,000 events, through kills and failures, and count what arrives; EVENTS, KILLS, SHARDS and SEED may be set
	node bench/soak.mjs

flood: worker ## Flood the edge with 100,000 forgeries during a key reset, and count what arrives; FORGERIES, GENUINE and ROUNDS may be set
	node bench/flood.mjs

panic-free: pkg ## Check that the core can't panic in the package's WebAssembly; tests/panic-free.json lists the panics of dependencies
	@node tools/panic-free.mjs

ct: pkg ## Look for a leak of time in the comparison of signatures; TIMES=10 for more measurements
	@node bench/ct/ct.mjs

# Not of the suites, since it needs a nightly Rust and a C++ compiler, and never ends by itself.
fuzz: target/tools/bin/cargo-fuzz ## Feed each parser what nobody would send; ONLY=header for one target, SECONDS for each (60)
	tools/prerequisites.sh nightly
	cargo clippy --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz -- --deny warnings
	node tools/fuzz.mjs

trust: pkg worker tests/node_modules/.package-lock.json ## Run what trust in this rests on, in its quick form, and print a table; ONLY=ct,fuzz for a part
	@node tools/trust.mjs

mutants: mutants-core mutants-facade ## Change the code in one place at a time: a test must fail each time; long, unless QUICK=1

# Quick: what decides on a signature.
mutants-core: target/tools/bin/cargo-mutants
	CARGO_TARGET_DIR=$(CURDIR)/target/mutants target/tools/bin/cargo-mutants mutants --jobs 1 --output target \
		$(if $(QUICK),--re 'verify\.rs.*(find_key|precheck|is_too_long)|signature\.rs.*(parse|malformed|eq)')

# Quick: how a body and a header get to it.
mutants-facade: target/pkg-trap/package.json tests/node_modules/.package-lock.json tests/mutation/node_modules/.package-lock.json
	node tests/mutation/facade.mjs $(if $(QUICK),input error options)

lint: | prerequisites ## Check format, lints, and the crate's documentation
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path bench/ct/native/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	cargo clippy --locked --package walnut-webhooks -- --deny warnings
	cargo clippy --locked --package walnut-webhooks --features wasm --target wasm32-unknown-unknown -- --deny warnings
	cargo clippy --locked --package walnut-webhooks-explain --features wasm --target wasm32-unknown-unknown -- --deny warnings
	$(RUSTDOC)

contract: | prerequisites ## Rewrite the tables of docs/errors.md from src/error.rs
	node tools/contract.mjs

# `pkg` leaves the package's sources in target/pkg-src/, with what was generated for them.
docs: pkg tests/node_modules/.package-lock.json ## Write target/docs/: the reference of the package, in js/, and of the crate, in rust/
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

# After pkg/, since Cargo builds both to the same file.
target/pkg-trap/package.json: $(PKG) pkg/package.json | prerequisites
	node tools/build-pkg.mjs --trap

# The examples and the tests use the package as anybody would: by its name.
node_modules/walnut-webhooks: node_modules/.package-lock.json
	ln -sfn ../pkg $@

# As npm would: for npx.
node_modules/.bin/walnut-webhooks: node_modules/.package-lock.json
	ln -sfn ../../pkg-cli/main.js $@

worker/build/index.js: $(WORKER) | prerequisites
	node tools/build-worker.mjs

target/worker-failpoints/index.js: $(WORKER) | prerequisites
	node tools/build-worker.mjs --failpoints

# What builds and runs is installed at the root; what only the suites, the benchmark and the examples
# need has a package.json in their folders.
node_modules/.package-lock.json: package.json package-lock.json | prerequisites
	npm ci --include=dev --include=optional --no-audit --no-fund --ignore-scripts
	@touch $@

%/node_modules/.package-lock.json: %/package.json %/package-lock.json | prerequisites
	npm ci --include=dev --include=optional --no-audit --no-fund --ignore-scripts --prefix $*
	@touch $@

# A tool is as new as what says its version.
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

clean: ## Remove all that was built
	rm -rf target pkg pkg-cli worker/build node_modules */node_modules tests/compat/node_modules tests/mutation/node_modules examples/*/.next examples/*/.svelte-kit \
		examples/*/build examples/*/dist
