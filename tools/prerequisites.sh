#!/bin/sh
# Installs the prerequisites of the build, or prints the missing ones and where to get them.
set -eu
cd "$(dirname "$0")/.."

missing() {
	echo "$1 is missing: get it from $2" >&2
	exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Whether a version, such as 20.19.4, is at least another, such as 20.19.
at_least() {
	printf '%s\n' "$1" "$2" | awk -F . '
		NR == 1 { major = $1; minor = $2 }
		NR == 2 { exit !(major > $1 || (major == $1 && minor >= $2)) }'
}

toolchains() {
	have cargo && have rustc || missing "cargo (Rust 1.91 or newer)" https://rustup.rs
	rust=$(rustc --version | cut -d ' ' -f 2)
	at_least "$rust" 1.91 || missing "Rust 1.91 or newer (this is $rust)" https://rustup.rs
	have node || missing "Node.js 20.19 or newer" https://nodejs.org
	node=$(node --version | tr -d v)
	at_least "$node" 20.19 || missing "Node.js 20.19 or newer (this is $node)" https://nodejs.org
	have npm || missing "npm" https://nodejs.org
	if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
		have rustup || missing "Rust's target wasm32-unknown-unknown" "your Rust distribution, or https://rustup.rs"
		rustup target add wasm32-unknown-unknown
	fi
}

# The toolchain of a fuzzer: its sanitizer is not in stable Rust.
nightly() {
	have rustup || missing "rustup, with a nightly Rust," https://rustup.rs
	rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal
	have c++ || missing "a C++ compiler" "your distribution"
}

# Builds a command line tool from its crate into target/tools/bin, unless that version is there already.
tool() {
	name=$1 crate=$2 version=$3
	install() {
		CARGO_TARGET_DIR=target/tools/build CARGO_PROFILE_DEV_DEBUG=false \
			cargo install --debug --root target/tools --bin "$name" "$crate@$version" "$@"
	}
	# Some mirrors of the registry do not have every version in a tool's lockfile. LOCKED=1, which releases use,
	# requires these versions.
	if ! install --locked; then
		[ "${LOCKED:-}" != 1 ] || exit 1
		install
	fi
	rm -rf target/tools/build
	# Fails if a program is missing: the programs that depend on it would fail too.
	touch -c "target/tools/bin/$name" && test -x "target/tools/bin/$name"
}

# Installs a Debian package, if possible.
debian() {
	have apt-get && [ "$(id -u)" = 0 ] || missing "$2" "$3"
	{ apt-get update && apt-get install -y --no-install-recommends "$1"; } >&2
}

# Prints the path of a Chromium.
browser() {
	find_browser && return
	debian chromium "Chromium" "https://www.chromium.org, or set CHROMIUM to the path of one"
	find_browser
}

find_browser() {
	if [ -n "${CHROMIUM:-}" ]; then
		command -v "$CHROMIUM" && return
		missing "CHROMIUM, which is $CHROMIUM," "https://www.chromium.org"
	fi
	for name in chromium chromium-browser google-chrome; do
		command -v "$name" && return
	done
	return 1
}

# Prints the path of a Redis server.
redis() {
	command -v redis-server && return
	debian redis-server "redis-server" "https://redis.io"
	command -v redis-server
}

# Prints the folder of PostgreSQL's server programs, which Debian keeps out of PATH.
postgres() {
	find_postgres && return
	debian postgresql "PostgreSQL" "https://www.postgresql.org"
	find_postgres
}

find_postgres() {
	for program in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb)"; do
		[ -x "$program" ] && dirname "$program" && return
	done
	return 1
}

"$@"
