# SPDX-License-Identifier: GPL-2.0-or-later
# Debian packages by purpose, and the function that installs what is missing. Sourced, not run.
# shellcheck shell=sh disable=SC2034 # the lists are for those who source this

build_packages='gcc libc6-dev meson ninja-build pkg-config libevent-dev libnl-3-dev libnl-route-3-dev libnl-nf-3-dev
libinih-dev libsystemd-dev libcap-ng-dev uthash-dev libxxhash-dev libpcre2-dev
libnftables-dev libncurses-dev libjansson-dev libpcap-dev'

demo_packages='iproute2 iputils-ping curl python3 tcpdump'

# What test programs are built with.
test_libraries='libcmocka-dev libmnl-dev libnetfilter-queue-dev'

test_packages="$test_libraries clang clang-format libclang-rt-14-dev libfuzzer-14-dev python3-pytest
python3-scapy iproute2 iputils-ping iputils-tracepath traceroute iperf3 tcpdump tshark curl dnsutils dnsmasq-base ethtool
conntrack coturn
procps libcap2-bin python3-prometheus-client prometheus zsh nftables iptables systemd systemd-container dbus mandoc shellcheck patch
golang-github-google-gopacket-dev"

vm_packages='qemu-system-x86 kmod cpio busybox-static'

bench_packages='iproute2 procps ethtool iperf3 iptables nftables libmnl-dev libnetfilter-queue-dev
gnuplot-nox python3'

# install_missing PACKAGE...: nothing when all are there; needs root otherwise.
install_missing() {
    missing=
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=absent
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing packages:$missing" >&2
        echo "install them, or run this script as root" >&2
        return 1
    fi
    echo "installing:$missing"
    # Packages would start servers for all the world; the tests start their own in namespaces.
    for service in coturn prometheus; do
        case " $missing " in
        *" $service "*) [ -e "/etc/systemd/system/$service.service" ] ||
            ln -s /dev/null "/etc/systemd/system/$service.service" ;;
        esac
    done
    # shellcheck disable=SC2086 # a list of words by intention
    apt_get install $missing >/dev/null 2>&1 || {
        apt_get update >/dev/null
        apt_get install $missing >/dev/null
    }
}

# apt_get COMMAND...: waits for others that install, and asks again where the network fails.
apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends -o DPkg::Lock::Timeout=300 \
        -o Acquire::Retries=3 "$@"
}
