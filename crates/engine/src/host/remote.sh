# The remote end of a channel: runs one task after another and answers each.
#
# Fed to `sh` on its standard input as one function, so that no shell reads ahead into the requests. It keeps to what
# dash, bash and busybox share. The caller puts `nonce=...` before it and calls `seedbed; exit` on one line after it.
#
#   request:  id input-length live script\n  input
#   reply:    id code out-length err-length\n  out err
#
# The script is one word to the line's end, as `printf %b` writes it: shells read a line without starting a program,
# and an emulated machine starts some sixty programs a second. An empty line between requests is a cancellation that
# came too late.
seedbed() {
    mask=$(umask)
    umask 077
    PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    LC_ALL=C
    export PATH LC_ALL
    for base in /dev/shm /run /tmp; do
        dir=$(mktemp -d "$base/.seedbed.XXXXXX" 2>/dev/null) && break
    done
    [ -n "$dir" ] || { echo "no directory for temporary files in /dev/shm, /run or /tmp" >&2; exit 1; }
    # With a handler each of these signals runs the EXIT trap, too, and is back at its default in tasks.
    trap '[ -z "$task" ] || kill -TERM "-$task"; rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT PIPE TERM
    printf '%s\n' "$nonce"
    task=
    # Requests on 3, live output on 4. No task inherits them.
    exec 3<&0 4>&2 </dev/null 2>/dev/null
    while read -r id input live script <&3; do
        [ -n "$id" ] || continue
        f=$dir/$id
        { printf %b "$script" >"$f.script" && take "$input" >"$f.in"; } || exit 1
        # Before the follower looks for them.
        : >"$f.out" >"$f.err"
        # A session of its own, so that its whole process group can be ended.
        (umask "$mask"; exec setsid sh "$f.script") <"$f.in" >"$f.out" 2>"$f.err" 3<&- 4>&- &
        task=$!
        watch &
        watcher=$!
        follower=
        if [ "$live" = 1 ]; then
            tail -q -n +1 -f "$f.out" "$f.err" >&4 3<&- &
            follower=$!
        fi
        wait "$task"
        code=$?
        task=
        # A watcher that has begun to end the group finishes that, children that ignore TERM included.
        # KILL, because a dash that has just forked loses a TERM that its parent has a trap for.
        [ -e "$f.ended" ] || kill -KILL "$watcher"
        wait "$watcher"
        [ -z "$follower" ] || { kill -KILL "$follower"; wait "$follower"; }
        out=0 err=0
        [ ! -s "$f.out" ] || out=$(($(wc -c <"$f.out")))
        [ ! -s "$f.err" ] || err=$(($(wc -c <"$f.err")))
        printf '%s %s %s %s\n' "$id" "$code" "$out" "$err"
        # Never more than was announced: a task's background child may still be writing.
        [ "$out" = 0 ] || head -c "$out" "$f.out"
        [ "$err" = 0 ] || head -c "$err" "$f.err"
        # Emptied at once, they may hold secrets; removed at every fifth, that is a program to start.
        : >"$f.script" >"$f.in"
        case $id in *[05]) rm -f "$dir"/* ;; esac
    done
}

# Copies exactly $1 bytes of the requests, reading none ahead (`head -c` of busybox does).
take() {
    [ "$1" -lt 65536 ] || dd bs=65536 count=$(($1 / 65536)) iflag=fullblock <&3 || return
    [ $(($1 % 65536)) -eq 0 ] || dd bs=$(($1 % 65536)) count=1 iflag=fullblock <&3
}

# Ends the task's group at a line (cancelled, timed out) or at EOF (the connection is gone).
watch() {
    # Outlives the loop where that is killed, and must not hold the channel open then.
    exec >/dev/null 4>&-
    read -r line <&3
    : >"$f.ended"
    kill -TERM "-$task" || kill -TERM "$task"
    for pause in 1 1 1 1 1; do
        kill -0 "-$task" || return
        sleep "$pause"
    done
    kill -KILL "-$task"
}
