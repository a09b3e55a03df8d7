#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs as root in the booted container; leaves the outcome of every step in /out.
set -u
conf=/etc/ipmodd/ipmodd.conf
patience=30 # seconds for what has to come

# step NAME COMMAND...: output to /out/NAME, exit code to /out/NAME.rc.
step() {
    name=$1
    shift
    timeout 60 "$@" >"/out/$name" 2>&1
    echo $? >"/out/$name.rc"
}

# wait_for SECONDS COMMAND...: until it succeeds; false when the time is over.
wait_for() {
    tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ $tries -gt 0 ] || return 1
        sleep 0.05
    done
}

show() {
    step "$1" systemctl show ipmodd -p ActiveState -p SubState -p Result -p MainPID -p NRestarts \
        -p StatusText -p WatchdogUSec -p ExecMainStatus -p User -p NotifyAccess
}

main_pid() {
    systemctl show ipmodd -p MainPID --value
}

status_has() {
    systemctl show ipmodd -p StatusText --value | grep -q "$1"
}

# Journal entries of the daemon since the last call, as JSON.
journal() {
    journalctl --sync
    step "$1" journalctl -u ipmodd -o json --no-pager --cursor-file=/run/cursor
}

# Whether the journal has a message of the daemon with PATTERN since the last call of journal().
journal_has() {
    journalctl --sync
    cursor=$(cat /run/cursor)
    journalctl -u ipmodd -o cat --no-pager ${cursor:+--after-cursor="$cursor"} | grep -q "$1"
}

# The same, while the daemon is asked for its statistics.
statistics_have() {
    systemctl kill -s USR1 ipmodd
    sleep 0.3
    journal_has "$1"
}

# Everything a stop has to give back. Caches of addresses and counters are left out.
state() {
    {
        ip rule
        ip -6 rule
        ip route show table all
        ip -6 route show table all
        ip addr | sed 's/valid_lft.*//'
        grep -r . /proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/conf/*/accept_local \
            /proc/sys/net/ipv4/conf/*/forwarding /proc/sys/net/ipv6/conf/*/forwarding \
            /proc/sys/net/ipv6/conf/*/force_forwarding /proc/sys/net/ipv6/conf/*/accept_ra
    } >"/out/$1" 2>&1
}

make_network() {
    ip link set lo up
    ip netns add peer
    ip link add eth0 type veth peer name eth0 netns peer
    ip addr add 192.0.2.1/24 brd + dev eth0
    ip addr add 2001:db8::1/64 dev eth0 nodad
    ip link set eth0 up
    ip -n peer link set lo up
    ip -n peer addr add 192.0.2.2/24 dev eth0
    ip -n peer addr add 2001:db8::2/64 dev eth0 nodad
    ip -n peer link set eth0 up
    ip route add default via 192.0.2.2
    ip -6 route add default via 2001:db8::2
    wait_for $patience sh -c '! ip -6 addr | grep -q tentative'
    wait_for $patience sh -c '! ip -n peer -6 addr | grep -q tentative'
}

write_config() {
    mkdir -p /etc/ipmodd
    cat >$conf
    chmod 644 $conf
}

first_config() {
    write_config <<CONFIG
[rule fake-ping]
proto = icmp
icmp-type = echo-request
dst = 203.0.113.0/24, 2001:db8:203::/48
reply = echo

[rule seen]
proto = udp
dport = 5353
log = info
verdict = drop
capture = seen
CONFIG
}

second_config() {
    first_config
    cat >>$conf <<CONFIG

[rule no-web]
proto = tcp
dport = 80
verdict = reject

[rule noisy]
proto = udp
dport = 5354
log = info 1000000/s burst 1000000
CONFIG
}

bad_config() {
    write_config <<CONFIG
[rule fake-ping]
proto = icmp
dst = 203.0.113.0/33
CONFIG
}

# send_datagrams COUNT PORT
send_datagrams() {
    /usr/bin/python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.1", 40000))
for number in range(int(sys.argv[1])):
    s.sendto(b"x" * 10, ("192.0.2.2", int(sys.argv[2])))
    if number % 100 == 99:
        time.sleep(0.01)' "$1" "$2"
}

test_start() {
    first_config
    # Something for the look at netfilter to find, in the sandbox and without root.
    nft add table inet watched
    nft 'add chain inet watched out { type filter hook output priority 0; }'
    nft 'add rule inet watched out oifname "absent0" counter'
    step start systemctl start ipmodd
    show started
    step status systemctl status ipmodd --no-pager
    step capabilities cat "/proc/$(main_pid)/status"
    step command_line tr '\0' ' ' <"/proc/$(main_pid)/cmdline"
    step link ip -details link show tun0
    journal start.journal
}

test_traffic() {
    step ping4 ping -n -c 5 -i 0.05 -W 5 192.0.2.2
    step ping6 ping -n -c 5 -i 0.05 -W 5 2001:db8::2
    step fake4 ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    step fake6 ping -n -c 2 -i 0.05 -W 5 2001:db8:203::7
    send_datagrams 1 5353
    systemctl kill -s USR1 ipmodd
    wait_for $patience journal_has 'rule seen: [0-9]* packets'
    journal traffic.journal
    step capture_files stat -c '%a %U:%G %n' /var/lib/ipmodd /var/lib/ipmodd/seen.pcapng
    step capture_read tcpdump -Z root -nr /var/lib/ipmodd/seen.pcapng
}

test_reload() {
    second_config
    step reload systemctl reload ipmodd
    wait_for $patience status_has '4 rules'
    show reloaded
    step web /usr/bin/python3 -c 'import socket
socket.create_connection(("192.0.2.2", 80), timeout=2)'
    journal reload.journal
}

# Changes over the control socket, which the service answers without being root.
test_steer() {
    step disable ipmodctl disable no-web
    step reset ipmodctl rules --reset
    step trial ipmodctl reload --confirm 60s
    step confirm ipmodctl confirm
    step rollback ipmodctl rollback
    journal steer.journal
}

# What our rule has udev run for the first queue of the device; a container has no udev.
udev_commands() {
    grep -o 'RUN+="[^"]*"' /usr/lib/udev/rules.d/60-ipmodd.rules | sed \
        's,^RUN+="\(.*\)"$,\1,; s,[$]sys[$]devpath,/sys/devices/virtual/net/tun0/queues/rx-0,'
}

# By the service's user, in its sandbox; the device is older than what udev does about it.
test_rps() {
    second_config
    printf '\n[tun]\nrps = all\n' >>$conf
    systemctl reload ipmodd
    wait_for $patience status_has '4 rules'
    step rps_file_before stat -c '%A %U:%G' /sys/class/net/tun0/queues/rx-0/rps_cpus
    step rps_udev sh -exc "$(udev_commands)"
    wait_for $patience grep -q '[^0]' /sys/class/net/tun0/queues/rx-0/rps_cpus
    step rps_mask cat /sys/class/net/tun0/queues/rx-0/rps_cpus
    step rps_status ipmodctl status
    step fake_with_rps ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    second_config
    systemctl reload ipmodd
    wait_for $patience grep -q '^0*$' /sys/class/net/tun0/queues/rx-0/rps_cpus
    step rps_mask_after cat /sys/class/net/tun0/queues/rx-0/rps_cpus
    journal rps.journal
}

test_bad_reload() {
    ping -n -c 40 -i 0.02 -W 5 203.0.113.7 >/out/ping_while_reloading 2>&1 &
    pinger=$!
    bad_config
    step bad_reload systemctl reload ipmodd
    show after_bad_reload
    systemctl kill -s HUP ipmodd
    wait_for $patience status_has refused
    show after_bad_signal
    step bad_status systemctl status ipmodd --no-pager
    wait $pinger
    echo $? >/out/ping_while_reloading.rc
    journal bad_reload.journal
    step catalog journalctl -x -u ipmodd --no-pager
}

test_stuck_journal() {
    second_config
    systemctl reload ipmodd
    wait_for $patience status_has '4 rules'
    systemctl kill -s STOP systemd-journald
    send_datagrams 3000 5354
    step fake_without_journal ping -n -c 5 -i 0.05 -W 5 203.0.113.7
    systemctl kill -s CONT systemd-journald
    wait_for $patience statistics_have 'log-lost [1-9]'
    journal stuck.journal
}

# The journal is gone altogether, and comes back.
test_gone_journal() {
    systemctl stop systemd-journald.socket systemd-journald-dev-log.socket \
        systemd-journald-audit.socket systemd-journald
    systemctl show systemd-journald -p ActiveState --value >/out/journald_state
    systemctl kill -s USR1 ipmodd
    systemctl kill -s HUP ipmodd
    step fake_with_journal_gone ping -n -c 5 -i 0.05 -W 5 203.0.113.7
    systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald
    wait_for $patience statistics_have 'in [0-9]* packets'
    journal gone.journal
    show after_gone_journal
}

# As many entries at once as the statistics of a long configuration are.
test_many_rules() {
    for number in $(seq 300); do
        printf '[rule number-%s]\nproto = udp\ndport = %s\nset-dscp = ef\n' "$number" \
            $((10000 + number))
    done | write_config
    systemctl reload ipmodd
    wait_for $patience status_has '300 rules'
    journal many_before.journal
    systemctl kill -s USR1 ipmodd
    wait_for $patience journal_has 'rule number-300: '
    journal many.journal
    second_config
    systemctl reload ipmodd
    wait_for $patience status_has '4 rules'
    journal many_after.journal
}

test_kill() {
    old=$(main_pid)
    systemctl kill -s KILL --kill-who=main ipmodd
    wait_for $patience sh -c "p=\$(systemctl show ipmodd -p MainPID --value); [ \$p != 0 ] && [ \$p != $old ]"
    wait_for $patience systemctl is-active ipmodd
    show after_kill
    step fake_after_kill ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    step rules_after_kill ip rule
    journal kill.journal
}

# How many datagrams of the capture have the mark.
marked() {
    tcpdump -Z root -nn -r /out/closed.pcap 'ip[1] == 0xb8' 2>/dev/null | wc -l
}

more_marked_than() {
    [ "$(marked)" -gt "$1" ]
}

# Fail-closed: killed, swept by ExecStopPost=, restarted; what leaves meanwhile is marked.
test_closed() {
    second_config
    printf '\n[divert]\non-exit = closed\n[rule mark]\nset-dscp = ef\n' >>$conf
    systemctl reload ipmodd
    wait_for $patience status_has '5 rules'
    ip netns exec peer timeout 100 tcpdump -Z root -U -nn -i eth0 -w /out/closed.pcap udp port 9 \
        >/out/closed_tcpdump 2>&1 &
    capture=$!
    wait_for $patience grep -q 'listening on' /out/closed_tcpdump
    /usr/bin/python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
while True:
    try:
        s.sendto(b"closed", ("198.51.100.1", 9))
    except OSError:
        pass
    time.sleep(0.001)' &
    sender=$!
    for _ in 1 2; do
        old=$(main_pid)
        wait_for $patience more_marked_than $(($(marked) + 100))
        systemctl kill -s KILL --kill-who=main ipmodd
        wait_for $patience sh -c "p=\$(systemctl show ipmodd -p MainPID --value); [ \$p != 0 ] && [ \$p != $old ]"
        wait_for $patience systemctl is-active ipmodd
    done
    wait_for $patience more_marked_than $(($(marked) + 100))
    kill $sender $capture
    wait $sender $capture
    show after_closed
    marked >/out/closed_marked
    tcpdump -Z root -nn -r /out/closed.pcap 'ip[1] != 0xb8' 2>/dev/null | wc -l >/out/closed_unmarked
    second_config
    systemctl reload ipmodd
    wait_for $patience status_has '4 rules'
}

# A stopped process holds all traffic: the watchdog (2 s in this drop-in) must end that.
test_watchdog() {
    old=$(main_pid)
    kill -STOP "$old"
    begin=$(date +%s%N)
    step held_by_stopped ping -n -c 1 -W 0.3 192.0.2.2
    wait_for $patience ping -n -c 1 -W 0.2 192.0.2.2
    echo $((($(date +%s%N) - begin) / 1000000)) >/out/watchdog_ms
    wait_for $patience sh -c "p=\$(systemctl show ipmodd -p MainPID --value); [ \$p != 0 ] && [ \$p != $old ]"
    wait_for $patience systemctl is-active ipmodd
    show after_watchdog
    step fake_after_watchdog ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    sleep 5
    show watchdog_quiet
    journal watchdog.journal
}

# Seconds since the boot and the hundredths that the daemon has used of a processor.
cpu_used() {
    echo "$(cut -d ' ' -f 1 /proc/uptime)" \
        "$(cut -d ' ' -f 14,15 "/proc/$(systemctl show -P MainPID ipmodd)/stat")"
}

rules_are_back() {
    [ "$( (ip rule; ip -6 rule) | grep -cE 'lookup 100|iif tun0 (lookup main|unreachable)')" -eq 6 ]
}

# networkd sweeps the policy rules of others when it starts; ours come back, tun0 is left alone.
test_networkd() {
    mkdir -p /run/systemd/network
    printf '[Match]\nName=tun*\n[Network]\nAddress=198.51.100.99/32\n' \
        >/run/systemd/network/99-catch-all.network
    cat >/run/systemd/network/50-eth0.network <<NETWORK
[Match]
Name=eth0
[Network]
Address=192.0.2.1/24
Address=2001:db8::1/64
Gateway=192.0.2.2
Gateway=2001:db8::2
IPv6AcceptRA=no
NETWORK
    step networkd systemctl start systemd-networkd
    wait_for $patience sh -c 'networkctl status tun0 | grep -q State:.*managed'
    wait_for $patience sh -c 'ip rule | grep -q "lookup 100"'
    step networkd_link networkctl --no-pager status tun0
    step networkd_address ip -br addr show tun0
    step fake_after_networkd ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    ip monitor rule >/out/rules_seen &
    monitor=$!
    cpu_used >/out/networkd_cpu
    step networkd_again systemctl restart systemd-networkd
    wait_for $patience sh -c 'networkctl status eth0 | grep -q State:.*configured'
    # Like a carrier that was lost and came back, this sweeps what others have made.
    networkctl reconfigure eth0
    sleep 1
    wait_for $patience rules_are_back
    kill $monitor
    cpu_used >>/out/networkd_cpu
    step rules_after_networkd sh -c 'ip rule; ip -6 rule'
    step fake_after_restart ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    systemctl stop systemd-networkd.socket systemd-networkd
    ip route replace default via 192.0.2.2
    ip -6 route replace default via 2001:db8::2
    sysctl -qw net.ipv6.conf.eth0.accept_ra=1
    journal networkd.journal
}

test_stop() {
    step stop systemctl stop ipmodd
    show stopped
    state state_after
    step run_after ls -A /run/ipmodd
    journal stop.journal
}

test_bad_start() {
    bad_config
    step bad_start systemctl start ipmodd
    show after_bad_start
    journal bad_start.journal
    step check ipmodd --check
}

# Root by hand, in the directory that the service's user left behind.
test_by_hand() {
    second_config
    step directory_before stat -c %U /run/ipmodd
    ipmodd >/out/by_hand 2>&1 &
    by_hand=$!
    wait_for $patience sh -c 'ip rule | grep -q "lookup 100"'
    step fake_by_hand ping -n -c 2 -i 0.05 -W 5 203.0.113.7
    kill $by_hand
    wait $by_hand
    echo $? >/out/by_hand.rc
    step left_by_hand ls -A /run/ipmodd
    state state_by_hand
    first_config
    step start_after_hand systemctl start ipmodd
    step stop_after_hand systemctl stop ipmodd
    step left_in_the_end ls -A /run/ipmodd
}

mkdir -p /run/systemd/system/ipmodd.service.d
printf '[Service]\nWatchdogSec=2s\n' >/run/systemd/system/ipmodd.service.d/test.conf
systemctl daemon-reload
chmod 666 /dev/net/tun # as udev leaves it on a machine
step sysfs mount -o remount,rw /sys/devices # as it is there
journalctl --update-catalog
make_network
state state_before
test_start
test_traffic
test_reload
test_steer
test_rps
test_bad_reload
test_stuck_journal
test_gone_journal
test_many_rules
test_kill
test_watchdog
test_closed
test_networkd
test_stop
test_bad_start
test_by_hand
touch /out/finished
