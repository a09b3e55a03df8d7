#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The main job on real packets, between two network namespaces that exist only for this:
#
#   [ host 192.0.2.1, 2001:db8:1::1, ipmodd ] ---- veth ---- [ peer 192.0.2.2, 2001:db8:1::2 ]
#
# Every step says what it shows, runs the command, and checks what came out. Exit 0: all as promised.
set -eu
cd "$(dirname "$0")/.."
. tests/packages.sh

[ "$(id -u)" -eq 0 ] || { echo "the demo makes network namespaces: run it as root"; exit 77; }
[ -c /dev/net/tun ] || { echo "no /dev/net/tun here: load the tun module, or pass the device in"; exit 77; }

# shellcheck disable=SC2086 # lists of words by intention
install_missing $build_packages $demo_packages

build=${IPMODD_BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build" -Dtests=false
ninja -C "$build" src/ipmodd
ipmodd=$(realpath "$build/src/ipmodd")

host=ipmodd-demo-host-$$
peer=ipmodd-demo-peer-$$
work=$(mktemp -d)
daemon=
server=

clean_up() {
    for pid in $daemon $server; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    ip netns del "$host" 2>/dev/null || true
    ip netns del "$peer" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*"
    [ ! -f "$work/log" ] || sed 's/^/    ipmodd: /' "$work/log"
    exit 1
}
on_host() { ip netns exec "$host" "$@"; }
on_peer() { ip netns exec "$peer" "$@"; }

# show COMMAND...: runs it on the host and prints it; its output stays in $work/out.
show() {
    printf '  host$ %s\n' "$*"
    on_host "$@" >"$work/out" 2>&1 || true
    sed 's/^/    /' "$work/out"
}

# expect TEXT: the last output has it.
expect() { grep -q -- "$1" "$work/out" || fail "expected '$1' in the output above"; }

# wait_for COMMAND...: until it succeeds, at most five seconds.
wait_for() {
    tries=50
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# What the daemon may leave no trace in. Link names and lifetimes do not matter here.
kernel_state() {
    on_host ip rule
    on_host ip -6 rule
    on_host ip route show table all
    on_host ip -6 route show table all
    on_host ip -o link | cut -d: -f2
}

make_network() {
    ip netns add "$host"
    ip netns add "$peer"
    ip link add wan netns "$host" type veth peer name wan netns "$peer"
    for side in host:1 peer:2; do
        name=ipmodd-demo-${side%:*}-$$
        ip -n "$name" link set lo up
        ip -n "$name" link set wan addrgenmode none up
        ip -n "$name" address add "192.0.2.${side#*:}/24" dev wan
        ip -n "$name" address add "2001:db8:1::${side#*:}/64" dev wan nodad
    done
    ip -n "$host" route add default via 192.0.2.2
    ip -n "$host" route add default via 2001:db8:1::2
    mkdir "$work/www"
    echo "hello from the peer" >"$work/www/index.html"
    ip netns exec "$peer" python3 -m http.server --bind :: --directory "$work/www" 80 >/dev/null 2>&1 &
    server=$!
    wait_for on_peer curl -s http://192.0.2.2/
}

write_rules() {
    cat >"$work/ipmodd.conf" <<RULES
[rule mark-ping]
proto     = icmp
icmp-type = echo-request
dst       = 192.0.2.2, 2001:db8:1::2
length    = 20-1000
set-ttl   = $1
set-dscp  = ef

[rule fake-ping]
proto     = icmp
icmp-type = echo-request
dst       = 203.0.113.0/24, 2001:db8:ffff::/48
reply     = echo

[rule no-smtp]
proto     = tcp
dport     = 25
verdict   = reject
RULES
}

# On the wire of the peer: what one ping of the host looks like.
watch_ping() {
    on_peer tcpdump -l -n -v -c 1 -i wan "icmp[icmptype] == icmp-echo" >"$work/wire" 2>/dev/null &
    dump=$!
    sleep 1
    on_host ping -q -c 1 192.0.2.2 >/dev/null
    wait $dump
    printf '  peer$ tcpdump -n -v -i wan icmp\n'
    sed 's/^/    /' "$work/wire"
    cp "$work/wire" "$work/out"
}

step "two namespaces, host and peer; the state of the host's routing is noted"
make_network
kernel_state >"$work/before"

step "ipmodd starts in the host with these rules"
write_rules 77
sed 's/^/    /' "$work/ipmodd.conf"
ip netns exec "$host" "$ipmodd" -c "$work/ipmodd.conf" >"$work/log" 2>&1 &
daemon=$!
wait_for grep -q Diverting "$work/log"
show ip rule
expect 'lookup 100'

step "ping and curl through the daemon: untouched by any rule, nothing lost"
show ping -q -c 5 -i 0.2 -s 1200 192.0.2.2
expect ' 0% packet loss'
show ping -q -c 5 -i 0.2 -s 1200 2001:db8:1::2
expect ' 0% packet loss'
show curl -sS http://192.0.2.2/
expect 'hello from the peer'
show curl -sS 'http://[2001:db8:1::2]/'
expect 'hello from the peer'

step "rule mark-ping: TTL 77 and DSCP EF (tos 0xb8), as the peer sees it"
watch_ping
expect 'ttl 77'
expect 'tos 0xb8'

step "rule fake-ping: nobody has these addresses, and they answer"
show ping -c 2 -i 0.2 203.0.113.7
expect ' 0% packet loss'
show ping -c 2 -i 0.2 2001:db8:ffff::7
expect ' 0% packet loss'

step "rule no-smtp: the connection is refused at once, by a reset that ipmodd made"
show curl -s -v --max-time 5 http://192.0.2.2:25/
expect 'Connection refused'
show curl -s -v --max-time 5 'http://[2001:db8:1::2]:25/'
expect 'Connection refused'

step "SIGUSR1: the counters"
kill -USR1 $daemon
wait_for grep -q 'rule no-smtp: 2 packets' "$work/log"
sed 's/^/    /' "$work/log"

step "SIGHUP with TTL 42 in the rule: the same ping on the wire"
write_rules 42
kill -HUP $daemon
wait_for grep -q 'loaded anew' "$work/log"
watch_ping
expect 'ttl 42'

step "SIGHUP with a mistake in the file: the mistake is named, the old rules stay"
echo 'tlt = 3' >>"$work/ipmodd.conf"
kill -HUP $daemon
wait_for grep -q 'did you mean' "$work/log"
grep 'did you mean' "$work/log" | sed 's/^/    /'
watch_ping
expect 'ttl 42'

step "SIGTERM: ipmodd stops, and the host is what it was before"
kill -TERM $daemon
wait $daemon || fail "the daemon ended with status $?"
daemon=
kernel_state >"$work/after"
diff "$work/before" "$work/after" || fail "the daemon left the traces above"
echo "    rules, routes and links: no difference"

printf '\nall as promised\n'
