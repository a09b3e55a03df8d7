/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of [main]. */
#include "log_value.h"
#include "setting.h"

#include "ipmodd/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/un.h>

static const struct value_name policy_names[] = {
    {"accept", POLICY_ACCEPT, POLICY_ACCEPT},
    {"drop", POLICY_DROP, POLICY_DROP},
};
static const struct value_domain policy_domain = {.noun = "a policy",
                                                  .max = POLICY_COUNT - 1,
                                                  .names = policy_names,
                                                  .name_count = ARRAY_SIZE(policy_names),
                                                  .names_only = true};

static const struct value_name malformed_names[] = {
    {"drop", MALFORMED_DROP, MALFORMED_DROP},
    {"pass", MALFORMED_PASS, MALFORMED_PASS},
};
static const struct value_domain malformed_domain = {.noun = "what happens to malformed packets",
                                                     .max = MALFORMED_COUNT - 1,
                                                     .names = malformed_names,
                                                     .name_count = ARRAY_SIZE(malformed_names),
                                                     .names_only = true};

static int parse_policy(const char *text, struct config *config, struct value_error *error)
{
    uint32_t policy;
    int r = value_parse_number(text, &policy_domain, &policy, error);

    if (r == 0)
        config->main.policy = policy;
    return r;
}

static void print_policy(const struct config *config, FILE *out)
{
    fputs(policy_name(config->main.policy), out);
}

static int parse_malformed(const char *text, struct config *config, struct value_error *error)
{
    uint32_t malformed;
    int r = value_parse_number(text, &malformed_domain, &malformed, error);

    if (r == 0)
        config->main.malformed = malformed;
    return r;
}

static void print_malformed(const struct config *config, FILE *out)
{
    fputs(malformed_policy_name(config->main.malformed), out);
}

static int parse_log_level(const char *text, struct config *config, struct value_error *error)
{
    uint32_t level;
    int r = value_parse_number(text, &log_level_domain, &level, error);

    if (r == 0)
        config->main.log_level = level;
    return r;
}

static void print_log_level(const struct config *config, FILE *out)
{
    fputs(log_level_name(config->main.log_level), out);
}

static int parse_seed(const char *text, struct config *config, struct value_error *error)
{
    uint64_t seed = 0;
    bool seeded = strcmp(text, "auto") != 0;

    if (seeded && text_parse_number(text, UINT64_MAX, &seed) < 0)
        return value_refuse(error, "'%.40s' is not a seed: auto, or a number from 0 to %" PRIu64,
                            text, UINT64_MAX);
    config->main.seeded = seeded;
    config->main.seed = seed;
    return 0;
}

static void print_seed(const struct config *config, FILE *out)
{
    if (config->main.seeded)
        fprintf(out, "%" PRIu64, config->main.seed);
    else
        fputs("auto", out);
}

static int parse_control(const char *text, struct config *config, struct value_error *error)
{
    const size_t longest = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    enum control_mode mode = strcmp(text, "auto") == 0  ? CONTROL_AUTO
                             : strcmp(text, "off") == 0 ? CONTROL_OFF
                                                        : CONTROL_AT;
    char *path = NULL;

    if (mode == CONTROL_AT && strlen(text) > longest)
        return value_refuse(error,
                            "'%.40s…' is too long: the path of a socket has at most %zu bytes",
                            text, longest);
    if (mode == CONTROL_AT && (path = strdup(text)) == NULL)
        return -ENOMEM;
    free(config->main.control_path);
    config->main.control = mode;
    config->main.control_path = path;
    return 0;
}

static void print_control(const struct config *config, FILE *out)
{
    if (config->main.control == CONTROL_AT)
        fputs(config->main.control_path, out);
    else
        fputs(config->main.control == CONTROL_OFF ? "off" : "auto", out);
}

/* Splits "ADDR:PORT" or "[ADDR]:PORT" in TEXT, a copy, into its parts. */
static bool split_place(char *text, const char **ret_addr, const char **ret_port)
{
    char *colon = strrchr(text, ':');

    if (colon == NULL)
        return false;
    *ret_port = colon + 1;
    *colon = '\0';
    *ret_addr = text;
    if (*text != '[')
        return strchr(text, ':') == NULL;
    *ret_addr = text + 1;
    if (colon[-1] != ']')
        return false;
    colon[-1] = '\0';
    return strchr(*ret_addr, ':') != NULL;
}

static bool parse_place(const char *text, struct metrics_place *ret_place)
{
    char CLEANUP(cleanup_free) *copy = strdup(text);
    const char *addr, *port_text;
    uint64_t port;

    if (copy == NULL || !split_place(copy, &addr, &port_text) ||
        ip_addr_parse(addr, &ret_place->addr) < 0 ||
        text_parse_number(port_text, UINT16_MAX, &port) < 0 || port == 0)
        return false;
    ret_place->on = true;
    ret_place->port = (uint16_t)port;
    return true;
}

static int parse_metrics(const char *text, struct config *config, struct value_error *error)
{
    struct metrics_place place = {.on = false};

    if (strcmp(text, "off") != 0 && !parse_place(text, &place))
        return value_refuse(error,
                            "'%.60s' is no place to listen at: off, or an address and a port such "
                            "as 127.0.0.1:9469 or [::1]:9469",
                            text);
    config->main.metrics = place;
    return 0;
}

static void print_metrics(const struct config *config, FILE *out)
{
    const struct metrics_place *place = &config->main.metrics;
    char text[IP_PREFIX_TEXT];

    if (!place->on)
        fputs("off", out);
    else
        fprintf(out, place->addr.family == FAMILY_IPV4 ? "%s:%u" : "[%s]:%u",
                ip_addr_format(&place->addr, text), place->port);
}

static const struct setting settings[] = {
    {"policy", "accept or drop", parse_policy, print_policy},
    {"malformed", "drop or pass", parse_malformed, print_malformed},
    {"log-level", "error, warning, notice, info or debug", parse_log_level, print_log_level},
    {"seed", "auto or a number", parse_seed, print_seed},
    {"control", "auto, off or the path of a socket", parse_control, print_control},
    {"metrics", "off, 127.0.0.1:9469 or [::1]:9469", parse_metrics, print_metrics},
};

const struct setting_group setting_main = {
    .section = "main", .settings = settings, .count = ARRAY_SIZE(settings), .path_key = "control"};
