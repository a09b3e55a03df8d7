/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest program that diverts: it writes every packet back, its TTL given back, and keeps the
 * kernel state right. Tests drive it where the daemon's configuration is in the way.
 *
 *   divert_driver run|plan|cleanup [exclude=PREFIX] [uid=N] [port=N] [address=A/P] [table=N]
 *                 [direction=out|forward|both] [family=ipv4|ipv6] [mirror=default] [on-exit=closed]
 *                 [masquerades=yes]
 *
 * "ready" on standard output when the diversion stands, then a line for each piece of news; SIGHUP
 * reloads with the words in the file "reload" of the working directory, SIGUSR1 tells the source of
 * masqueraded packets to the addresses in the file "destinations", SIGTERM stops.
 */
#include "ipmodd/base/macro.h"
#include "ipmodd/kernel/divert.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

static void append_prefix(struct ip_prefix **prefixes, size_t *count, const char *text)
{
    *prefixes = reallocarray(*prefixes, *count + 1, sizeof(**prefixes));
    if (*prefixes == NULL || ip_prefix_parse(text, &(*prefixes)[(*count)++]) < 0)
        abort();
}

static void append_uid(struct config_divert *divert, uint32_t uid)
{
    size_t count = divert->exclude_uid_count++;

    divert->exclude_uids =
        reallocarray(divert->exclude_uids, count + 1, sizeof(*divert->exclude_uids));
    if (divert->exclude_uids == NULL)
        abort();
    divert->exclude_uids[count] = (struct uid_range){uid, uid};
}

static void append_port(struct config_divert *divert, uint16_t port)
{
    size_t count = divert->exclude_port_count++;

    divert->exclude_ports =
        reallocarray(divert->exclude_ports, count + 1, sizeof(*divert->exclude_ports));
    if (divert->exclude_ports == NULL)
        abort();
    divert->exclude_ports[count] = (struct port_exclusion){IPPROTO_TCP, port, port};
}

static void set_direction(struct config_divert *divert, const char *value)
{
    if (strcmp(value, "both") == 0)
        divert->directions = DIRECTIONS_OUT | DIRECTIONS_FORWARD;
    else
        divert->directions = strcmp(value, "forward") == 0 ? DIRECTIONS_FORWARD : DIRECTIONS_OUT;
}

static void set_option(struct config *config, const char *option)
{
    struct config_divert *divert = &config->divert;
    const char *value = strchr(option, '=');

    if (value == NULL)
        abort();
    value++;
    if (strncmp(option, "exclude=", 8) == 0)
        append_prefix(&divert->excludes, &divert->exclude_count, value);
    else if (strncmp(option, "address=", 8) == 0)
        append_prefix(&config->tun.addresses, &config->tun.address_count, value);
    else if (strncmp(option, "uid=", 4) == 0)
        append_uid(divert, (uint32_t)atoi(value));
    else if (strncmp(option, "port=", 5) == 0)
        append_port(divert, (uint16_t)atoi(value));
    else if (strncmp(option, "table=", 6) == 0)
        divert->table = (uint32_t)atoi(value);
    else if (strncmp(option, "direction=", 10) == 0)
        set_direction(divert, value);
    else if (strncmp(option, "family=", 7) == 0)
        divert->families = strcmp(value, "ipv4") == 0 ? FAMILIES_IPV4 : FAMILIES_IPV6;
    else if (strcmp(option, "mirror=default") == 0)
        divert->mirror = MIRROR_DEFAULT;
    else if (strcmp(option, "on-exit=closed") == 0)
        divert->on_exit = ON_EXIT_CLOSED;
    else if (strcmp(option, "masquerades=yes") == 0)
        divert->masquerades = true;
    else
        abort();
}

/* RFC 1624, for the one field that changes. */
static void give_ttl_back(uint8_t *packet, ssize_t len)
{
    uint32_t sum;

    if (len >= 40 && packet[0] >> 4 == 6 && packet[7] < 255)
        packet[7]++;
    if (len < 20 || packet[0] >> 4 != 4 || packet[8] == 255)
        return;
    packet[8]++;
    sum = (uint32_t)(packet[10] << 8 | packet[11]);
    sum = (~sum & 0xffff) + 0x0100;
    sum = ~((sum & 0xffff) + (sum >> 16)) & 0xffff;
    packet[10] = (uint8_t)(sum >> 8);
    packet[11] = (uint8_t)sum;
}

static void echo_packets(struct divert *divert)
{
    static uint8_t packet[65536];

    for (unsigned i = 0; i < 256; i++) {
        ssize_t len = read(divert_tun_fd(divert, 0), packet, sizeof(packet));

        if (len < 0 && errno == EBADFD)
            divert_tun_failed(divert);
        if (len <= 0)
            return;
        give_ttl_back(packet, len);
        (void)!write(divert_tun_fd(divert, 0), packet, (size_t)len);
    }
}

static void print_news(const struct divert *divert, int result, const struct divert_news *news)
{
    if (result < 0 || news->incomplete)
        printf("incomplete: %s\n", divert_error_text(divert));
    if (news->repaired)
        puts("repaired");
    if (news->tun_lost)
        puts(divert_has_tun(divert) ? "tun lost and restored" : "tun lost");
    if (news->loop_found)
        printf("loop: %s\n", divert_error_text(divert));
    if (news->host_view_changed)
        printf("host view: %zu addresses\n", divert_host_view(divert)->local_count);
    fflush(stdout);
}

static void reload(struct divert *divert)
{
    struct config *config CLEANUP(config_cleanup) = config_new();
    FILE *in CLEANUP(cleanup_file) = fopen("reload", "re");
    char word[128];
    int r;

    while (in != NULL && fscanf(in, "%127s", word) == 1)
        set_option(config, word);
    r = divert_reload(divert, config);
    printf("reload %d %s\n", r, r < 0 ? divert_error_text(divert) : "");
    fflush(stdout);
}

static void print_sources(const struct host_view *view)
{
    FILE *in CLEANUP(cleanup_file) = fopen("destinations", "re");
    char word[IP_PREFIX_TEXT];

    while (in != NULL && fscanf(in, "%55s", word) == 1) {
        struct ip_addr destination, source;
        char text[IP_PREFIX_TEXT];

        if (ip_addr_parse(word, &destination) < 0)
            abort();
        if (host_view_source(view, destination.family, destination.bytes, &source))
            printf("source %s %s\n", word, ip_addr_format(&source, text));
        else
            printf("source %s none\n", word);
    }
    puts("end of sources");
    fflush(stdout);
}

/* Whether to go on. */
static bool obey(struct divert *divert, int signals)
{
    struct signalfd_siginfo info;

    if (read(signals, &info, sizeof(info)) != sizeof(info))
        return false;
    if (info.ssi_signo == SIGHUP)
        reload(divert);
    else if (info.ssi_signo == SIGUSR1)
        print_sources(divert_host_view(divert));
    else
        return false;
    return true;
}

/* Until SIGTERM or SIGINT. */
static void loop(struct divert *divert, int signals)
{
    struct pollfd fds[] = {
        {.fd = divert_tun_fd(divert, 0), .events = POLLIN},
        {.fd = divert_monitor_fd(divert), .events = POLLIN},
        {.fd = signals, .events = POLLIN},
    };

    for (;;) {
        struct divert_news news;
        int r;

        poll(fds, ARRAY_SIZE(fds), divert_timeout_ms(divert));
        if (fds[0].revents != 0)
            echo_packets(divert);
        r = fds[1].revents != 0 ? divert_dispatch(divert, &news) : divert_tick(divert, &news);
        print_news(divert, r, &news);
        if (fds[2].revents != 0 && !obey(divert, signals))
            return;
    }
}

static int run(const struct config *config)
{
    struct timespec begin, end;
    struct divert *divert;
    sigset_t set;
    int signals;
    int r;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signals = signalfd(-1, &set, SFD_CLOEXEC);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    r = divert_start(config, &divert);
    if (r < 0) {
        printf("failed %d: %s\n", r, divert_error_text(NULL));
        return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("ready after %ld ms\n",
           (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
    fflush(stdout);
    loop(divert, signals);
    r = divert_stop(divert);
    if (r < 0)
        printf("stop %d: %s\n", r, divert_error_text(NULL));
    return r < 0;
}

int main(int argc, char **argv)
{
    struct config *config CLEANUP(config_cleanup) = config_new();
    int r;

    if (argc < 2 || config == NULL)
        return 2;
    for (int i = 2; i < argc; i++)
        set_option(config, argv[i]);
    if (strcmp(argv[1], "run") == 0)
        return run(config);
    r = strcmp(argv[1], "plan") == 0 ? divert_print_plan(config, stdout)
                                     : divert_cleanup_host(config);
    if (r < 0)
        printf("failed %d: %s\n", r, divert_error_text(NULL));
    return r < 0;
}
