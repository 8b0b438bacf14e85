# shellcheck shell=bash
# How the scripts speak: narration goes to standard error, results to standard output.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'
else
    bold='' dim='' red='' plain=''
fi

# say TEXT: one step of a narration.
say() { printf '%s\n' "$bold==>$plain $*" >&2; }

# say_over TEXT: the same on a line that the next one overwrites, or that vanishes when TEXT is empty.
say_over() { printf '\r\e[K%s' "${1:+$bold==>$plain $1}" >&2; }

# die LINE…: ends the script with an error; the lines after the first say what to do.
die() {
    printf '%s\n' "${red}error:$plain $1" "${@:2}" >&2
    exit 1
}

# shown COMMAND…: prints a command as one would type it, then runs it.
shown() {
    local words
    printf -v words ' %q' "$@"
    printf '%s\n' "$dim\$$words$plain" >&2
    "$@"
}

# random_hex N: N random bytes in hexadecimal.
random_hex() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
