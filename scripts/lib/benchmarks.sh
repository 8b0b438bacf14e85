# shellcheck shell=bash
# Where benchmarks put their figures: each its own part of docs/benchmarks.md. `root` is the repository's directory.
: "${root:?}"

# publish AREA: replaces the part of this area by standard input, or adds it at the end.
publish() {
    local area=$1 file=$root/docs/benchmarks.md part new
    part=$(mktemp) new=$(mktemp)
    cat >"$part"
    awk -v begin="<!-- begin $area -->" -v end="<!-- end $area -->" -v part="$part" '
        function put(line) {
            print begin
            while ((getline line <part) > 0) print line
            print end
            done = 1
        }
        $0 == begin { put(); skip = 1 }
        !skip { print }
        $0 == end { skip = 0 }
        END { if (!done) { print ""; put() } }' "$file" >"$new"
    # Written through, so that the file keeps its permissions.
    cat "$new" >"$file"
    rm "$part" "$new"
}

# machine: what the figures were measured on.
machine() {
    local model
    model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    echo "${model:-$(uname -m)}, $(nproc) cores, Linux $(uname -r | cut -d- -f1)"
}
