# shellcheck shell=bash
# What must be installed, and what to say when it is not. `root` is the repository's directory.
: "${root:?}"

# need PROGRAM WHAT-TO-INSTALL: notes a missing program; `needs_met` ends the script with all of them at once.
missing=()
need() {
    command -v "$1" >/dev/null || missing+=("  $1: install $2")
}

needs_met() {
    ((${#missing[@]} == 0)) || die "programs are missing:" "${missing[@]}"
}

# at_least WANTED ACTUAL: whether ACTUAL is WANTED or newer, as dotted numbers.
at_least() { printf '%s\n%s\n' "$1" "$2" | sort --check=quiet --version-sort; }

need_go() {
    local wanted actual
    wanted=$(sed -n 's/^go //p' "$root"/tests/go/*/go.mod | sort --version-sort | tail -n 1)
    need go "Go $wanted or newer (https://go.dev/dl/)"
    if command -v go >/dev/null; then
        actual=$(go env GOVERSION)
        at_least "$wanted" "${actual#go}" || missing+=("  go: $wanted or newer is needed, ${actual#go} is installed")
    fi
}

need_git_http_backend() {
    [[ -x $(git --exec-path 2>/dev/null)/git-http-backend ]] ||
        missing+=("  git http-backend: install all of git (Debian: git)")
}

need_rust() {
    local wanted actual
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    need cargo "Rust $wanted or newer (https://rustup.rs)"
    need cc "a C compiler (Debian: gcc)"
    if command -v cargo >/dev/null; then
        actual=$(rustc --version | cut -d' ' -f2)
        at_least "$wanted" "$actual" || missing+=("  rustc: $wanted or newer is needed, $actual is installed")
        cargo fmt --version >/dev/null 2>&1 || missing+=("  rustfmt: rustup component add rustfmt")
        cargo clippy --version >/dev/null 2>&1 || missing+=("  clippy: rustup component add clippy")
    fi
}
