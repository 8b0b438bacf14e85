# shellcheck shell=bash
# Long commands that an interrupt stops at once, with all their children. Bash runs a trap only after its foreground
# command has ended, so such commands run in the background, each in a session of its own, and the script waits.

exit_steps=()
group=''
trap 'run_exit_steps' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# at_exit COMMAND: a command line to run when the script ends, however it ends; the last one given runs first.
at_exit() { exit_steps+=("$1"); }

run_exit_steps() {
    local status=$? step
    trap '' HUP INT TERM
    stop_group
    for ((step = ${#exit_steps[@]} - 1; step >= 0; step--)); do
        eval "${exit_steps[step]}" || true
    done
    exit "$status"
}

stop_group() {
    [[ -n $group ]] || return 0
    kill -TERM -- "-$group" 2>/dev/null || true
    wait "$group" 2>/dev/null || true
    group=''
}

# supervised COMMAND…: runs a command to its end; its status is the command's.
supervised() {
    local status=0
    setsid "$@" </dev/null &
    group=$!
    wait "$group" || status=$?
    group=''
    return "$status"
}

# with_progress TITLE LOG COMMAND…: the same with all output in LOG, telling how long it has taken: on a terminal
# every second, elsewhere every half minute.
with_progress() {
    local title=$1 log=$2 start=$SECONDS told=-30 status=0
    shift 2
    setsid "$@" >"$log" 2>&1 </dev/null &
    group=$!
    while kill -0 "$group" 2>/dev/null; do
        if [[ -t 2 ]]; then
            say_over "$title, $((SECONDS - start)) s"
        elif ((SECONDS - start - told >= 30)); then
            told=$((SECONDS - start))
            say "$title, $told s"
        fi
        sleep 0.5
    done
    wait "$group" || status=$?
    group=''
    [[ ! -t 2 ]] || say_over ''
    return "$status"
}
