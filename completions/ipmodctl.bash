# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ipmodctl(8) for bash. Commands and options are those that the program itself lists,
# names of rules those of the daemon that would be asked.
# shellcheck shell=bash

_ipmodctl_flow_keys='proto src dst sport dport state rule'

_ipmodctl_commands() {
    ipmodctl --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

_ipmodctl_options() {
    ipmodctl ${1:+"$1"} --help 2>/dev/null | sed -n '3,$p' | grep -oE -- '(^|[ ,|])--?[a-z][a-z-]*' |
        tr -d ' ,|'
}

# The socket that stands on the command line, if there is one, is asked.
_ipmodctl_rules() {
    ipmodctl "$@" -j rules 2>/dev/null | grep -oE '"name":"[^"]*"' | cut -d '"' -f 4
}

_ipmodctl() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' i
    local key=${COMP_WORDS[COMP_CWORD - 2]} socket=()

    COMPREPLY=()
    # KEY=VALUE comes as three words, as long as VALUE is empty as two.
    if [ "$word" = = ]; then
        key=$before before='=' word=''
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -s | --socket)
            i=$((i + 1))
            [ "$i" -lt "$COMP_CWORD" ] && socket=(-s "${COMP_WORDS[i]}")
            ;;
        -*) ;;
        *)
            command=${COMP_WORDS[i]}
            break
            ;;
        esac
    done
    # What follows an option is its value, and the same letter means one thing here, another there.
    case $command:$before in
    :-s | :--socket | *:--config | doctor:-c | replay:-c | trace:-c | capture:-w | *:--write | *:--read)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    *:--event) mapfile -t COMPREPLY < <(compgen -W 'new update end' -- "$word") ;;
    *:--stage) mapfile -t COMPREPLY < <(compgen -W 'in out drop' -- "$word") ;;
    *:--confirm) mapfile -t COMPREPLY < <(compgen -W '60s 5min 1h' -- "$word") ;;
    *:--proto) mapfile -t COMPREPLY < <(compgen -W 'udp tcp icmp' -- "$word") ;;
    flows:= | monitor:=)
        [ "$key" != rule ] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_ipmodctl_rules "${socket[@]}")" -- "$word")
        return
        ;;
    esac
    [ ${#COMPREPLY[@]} -eq 0 ] || return 0
    case $word in
    -*) mapfile -t COMPREPLY < <(compgen -W "$(_ipmodctl_options "$command")" -- "$word") ;;
    *)
        case $command in
        '') mapfile -t COMPREPLY < <(compgen -W "$(_ipmodctl_commands)" -- "$word") ;;
        flows)
            mapfile -t COMPREPLY < <(compgen -S = -W "$_ipmodctl_flow_keys" -- "$word")
            compopt -o nospace 2>/dev/null # there is none outside of a completion
            ;;
        enable | disable)
            mapfile -t COMPREPLY < <(compgen -W "$(_ipmodctl_rules "${socket[@]}")" -- "$word")
            ;;
        check | replay | trace) mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
        esac
        ;;
    esac
}

complete -o filenames -F _ipmodctl ipmodctl
