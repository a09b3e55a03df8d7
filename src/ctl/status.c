/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ipmodctl status: how the daemon is. */
#include "ipmodd/base/macro.h"
#include "ipmodd/base/text.h"
#include "view.h"

#include <string.h>

static void print_list(const json_t *array, FILE *out)
{
    const char *separator = "";
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)array, i, item)
    {
        fprintf(out, "%s%s", separator, json_string_value(item));
        separator = ", ";
    }
    fputc('\n', out);
}

static void print_head(const json_t *document, FILE *out)
{
    const json_t *configuration = json_object_get(document, "configuration");
    const long long rules = view_integer(configuration, "rules");
    char uptime[VIEW_NUMBER];

    fprintf(out, "ipmodd %s, up %s, pid %lld\n", view_string(document, "version"),
            view_duration(view_real(document, "uptime_seconds"), uptime),
            view_integer(document, "pid"));
    fprintf(out, "%-15s %s: ", "diverting", view_string(document, "device"));
    print_list(json_object_get(document, "directions"), out);
    if (json_array_size(json_object_get(document, "interfaces")) > 0) {
        fprintf(out, "%-15s ", "interfaces");
        print_list(json_object_get(document, "interfaces"), out);
    }
    fprintf(out, "%-15s generation %lld, %lld rule%s, policy %s\n", "configuration",
            view_integer(configuration, "generation"), rules, text_plural((uint64_t)rules),
            view_string(configuration, "policy"));
    if (json_object_get(configuration, "confirm_seconds") != NULL)
        fprintf(out, "%-15s within %lld s, or the configuration before comes back\n", "to confirm",
                view_integer(configuration, "confirm_seconds"));
    fprintf(out, "%-15s ", "files");
    print_list(json_object_get(configuration, "files"), out);
}

static void print_rates(const json_t *rates, FILE *out)
{
    char in[VIEW_NUMBER], in_bits[VIEW_NUMBER], sent[VIEW_NUMBER], sent_bits[VIEW_NUMBER];

    fprintf(out, "%-15s in %s packets/s %sbit/s, out %s packets/s %sbit/s\n", "rates",
            view_scaled(view_real(rates, "in_packets"), in),
            view_scaled(view_real(rates, "in_bits"), in_bits),
            view_scaled(view_real(rates, "out_packets"), sent),
            view_scaled(view_real(rates, "out_bits"), sent_bits));
}

static void print_packets(const json_t *packets, FILE *out)
{
    fprintf(out, "%-15s in %lld, out %lld, edited %lld, answered with %lld of our own\n", "packets",
            view_integer(packets, "in"), view_integer(packets, "out"),
            view_integer(packets, "edited"), view_integer(packets, "generated"));
    fprintf(out, "%-15s in %lld, out %lld\n", "bytes", view_integer(packets, "in_bytes"),
            view_integer(packets, "out_bytes"));
    fprintf(out, "%-15s split %lld, merged %lld, refused by the kernel %lld\n", "super-packets",
            view_integer(packets, "split"), view_integer(packets, "merged"),
            view_integer(packets, "gso_refused"));
    if (view_integer(packets, "handed_over") > 0)
        fprintf(out, "%-15s %lld to threads that have their flows\n", "handed over",
                view_integer(packets, "handed_over"));
    if (view_integer(packets, "parked") > 0)
        fprintf(out, "%-15s %lld fragments wait for their first one\n", "parked",
                view_integer(packets, "parked"));
}

static void print_drops(const json_t *document, FILE *out)
{
    const json_t *drops = json_object_get(document, "drops");
    const json_t *value;
    const char *name, *label = "dropped";

    json_object_foreach((json_t *)drops, name, value)
    {
        if (json_integer_value(value) == 0)
            continue;
        fprintf(out, "%-15s %lld %s\n", label, (long long)json_integer_value(value), name);
        label = "";
    }
    if (*label != '\0')
        fprintf(out, "%-15s none\n", label);
    fprintf(out, "%-15s %lld packets found the queue of %s full\n", "queue",
            view_integer(document, "tun_tx_dropped"), view_string(document, "device"));
}

static void print_flows(const json_t *flows, FILE *out)
{
    char memory[VIEW_NUMBER];

    if (flows == NULL) {
        fprintf(out, "%-15s not followed: no rule asks for them\n", "flows");
        return;
    }
    fprintf(out, "%-15s %lld of %lld, translated %lld, displaced %lld, refused %lld, %sB\n",
            "flows", view_integer(flows, "count"), view_integer(flows, "max"),
            view_integer(flows, "translated"), view_integer(flows, "displaced"),
            view_integer(flows, "refused"), view_scaled(view_real(flows, "memory_bytes"), memory));
}

/* Classes that the kernel has not, or has refused too often: such packets go one by one. */
static void print_fallbacks(const json_t *array, FILE *out)
{
    const char *separator = "";
    const json_t *item;
    size_t i;

    json_array_foreach((json_t *)array, i, item)
    {
        if (json_is_true(json_object_get(item, "used")))
            continue;
        if (*separator == '\0')
            fprintf(out, "%-15s ", "one by one");
        fprintf(out, "%s%s (refused %lld)", separator, view_string(item, "class"),
                view_integer(item, "refused"));
        separator = ", ";
    }
    if (*separator != '\0')
        fputc('\n', out);
}

static void print_offload(const json_t *array, FILE *out)
{
    const char *separator = "";
    const json_t *item;
    size_t i;

    fprintf(out, "%-15s ", "offload");
    json_array_foreach((json_t *)array, i, item)
    {
        if (!json_is_true(json_object_get(item, "used")))
            continue;
        fprintf(out, "%s%s", separator, view_string(item, "class"));
        separator = ", ";
    }
    fputs(*separator == '\0' ? "none\n" : "\n", out);
}

static void print_status(const json_t *document, const json_t *before, double seconds, FILE *out)
{
    char memory[VIEW_NUMBER];

    (void)before;
    (void)seconds;
    print_head(document, out);
    print_rates(json_object_get(document, "rates"), out);
    print_packets(json_object_get(document, "packets"), out);
    print_drops(document, out);
    print_flows(json_object_get(document, "flows"), out);
    print_offload(json_object_get(document, "offload"), out);
    print_fallbacks(json_object_get(document, "offload"), out);
    if (json_object_get(document, "rps") != NULL)
        fprintf(out, "%-15s CPUs %s go on with what is written to %s\n", "rps",
                view_string(document, "rps"), view_string(document, "device"));
    fprintf(out, "%-15s %sB\n", "memory", view_scaled(view_real(document, "memory_bytes"), memory));
}

static enum exit_code run(const struct options *options, int argc, char **argv)
{
    static const char *const request[] = {"status"};
    const struct view view = {&command_status, request, ARRAY_SIZE(request), print_status};

    return view_run(&view, options, argc, argv);
}

const struct command command_status = {
    .name = "status",
    .arguments = "[-w SECONDS]",
    .summary = "how the daemon is: configuration, packets, drops",
    .help = VIEW_HELP,
    .run = run,
};
