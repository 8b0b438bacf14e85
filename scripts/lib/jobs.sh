# shellcheck shell=bash
# Long commands that an interrupt stops at once, with all their children. Bash runs a trap only after its foreground
# command has ended, so such commands run in the background, each in a session of its own, and the script waits.

exit_steps=()
group=''
trap 'run_exit_steps' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# at_exit COMMAND…: what to run when the script ends, however it ends; the last one given runs first.
at_exit() { exit_steps+=("${*@Q}"); }

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
    settle
}

# settle: waits until the last process of the group is gone, since the first may leave others that still clean up.
settle() {
    local deadline=$((SECONDS + 15))
    while group_lives; do
        ((SECONDS < deadline)) || kill -KILL -- "-$group" 2>/dev/null || true
        sleep 0.05
    done
    group=''
}

# group_lives: whether a process of the group runs; zombies do not (state and group: fields 3 and 5 of proc(5)'s stat,
# the second of which ends with the last parenthesis).
group_lives() {
    cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' |
        awk -v group="$group" '$3 == group && $1 != "Z" { lives = 1 } END { exit !lives }'
}

# supervised COMMAND…: runs a command to its end; its status is the command's.
supervised() {
    local status=0
    setsid "$@" </dev/null &
    group=$!
    wait "$group" || status=$?
    settle
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
    settle
    [[ ! -t 2 ]] || say_over ''
    return "$status"
}
