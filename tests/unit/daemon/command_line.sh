#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# command_line.sh IPMODD SANITIZERS: exit codes and output of what needs no privileges. SANITIZERS as
# the option b_sanitize has it: they take more memory than any limit.
set -u
ipmodd=$1
sanitizers=$2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
good=$directory/good.conf
bad=$directory/bad.conf
printf '[rule web]\nproto = tcp\ndport = 80\nverdict = drop\n' >"$good"
printf '[rule web]\nproto = tcp\ndport = 65536\nfrob = 1\n' >"$bad"
failures=0

fail() {
    echo "$1"
    failures=$((failures + 1))
}

# expect CODE TEXT ARGUMENTS...: exit code, and TEXT somewhere in the output.
expect() {
    code=$1
    text=$2
    shift 2
    output=$(timeout 60 "$ipmodd" "$@" 2>&1)
    actual=$?
    [ $actual -eq "$code" ] || fail "ipmodd $*: exit code $actual, not $code"
    case $output in
    *"$text"*) ;;
    *) fail "ipmodd $*: no '$text' in: $output" ;;
    esac
}

expect 0 'ipmodd 0' --version
expect 0 'usage: ipmodd' --help
expect 2 '--frob' --frob
expect 0 'configuration is good, 1 rule' -c "$good" --check
expect 78 "$bad:3: [rule web] dport" -c "$bad" --check
expect 78 "$bad:4: [rule web] frob" -c "$bad" --check
expect 78 "$directory/none" -c "$directory/none" --check
expect 0 'verdict = drop' -c "$good" --dump-config
expect 78 "$bad:3:" -c "$bad" --dump-config
expect 78 "$bad:3:" -c "$bad" --print-plan
expect 78 "$bad:3:" -c "$bad" --cleanup
expect 78 "$bad:3:" -c "$bad"

# Want of memory is no error of the configuration, after which nobody starts the service again.
if [ "$sanitizers" = none ]; then
    large=$directory/large.conf
    for number in $(seq 10000); do
        printf '[rule r%d]\ndst = 192.0.2.%d\nset-dscp = ef\n' "$number" $((number % 256))
    done >"$large"
    printf '#!/bin/sh\nexec prlimit --data=8000000 "%s" "$@"\n' "$ipmodd" >"$directory/poor"
    chmod +x "$directory/poor"
    rich=$ipmodd
    ipmodd=$directory/poor
    expect 1 'not enough memory to load the configuration' -c "$large" --check
    expect 1 'cannot load the configuration: Cannot allocate memory' -c "$large"
    ipmodd=$rich
fi

# What is printed can be read back and says the same.
"$ipmodd" -c "$good" --dump-config >"$directory/again.conf"
"$ipmodd" -c "$directory/again.conf" --dump-config >"$directory/third.conf"
grep -v "^#" "$directory/again.conf" >"$directory/again"
grep -v "^#" "$directory/third.conf" >"$directory/third"
if ! cmp -s "$directory/again" "$directory/third"; then
    fail "--dump-config does not read back"
fi

# Output that cannot be written is a failure; a closed standard error is none.
"$ipmodd" -c "$good" --check >/dev/full 2>/dev/null
[ $? -eq 1 ] || fail "a full disk went unnoticed"
"$ipmodd" -c "$good" --check >/dev/null 2>&- || fail "a closed stderr made --check fail"
"$ipmodd" -c "$bad" --check >&- 2>&-
[ $? -eq 78 ] || fail "closed descriptors changed the exit code"

[ $failures -eq 0 ]
