/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of iptables-legacy, which the kernel shows to nobody but its own tool: that is run where
 * the kernel says that there are such tables.
 *
 * Read is what iptables-save(8) writes, a rule a line. Looked for are the three things that
 * netfilter_judge.c finds in the rules of nft: a FORWARD chain that drops, rules of OUTPUT for
 * another device, and source NAT.
 */
#include "kernel/doctor/examination.h"

#include <errno.h>
#include <string.h>

/* A family's tool, and what the kernel says about its tables. */
struct legacy {
    const char *names; /* a file that lists tables */
    const char *tool;
    const char *save; /* for popen(3) */
};

static const struct legacy legacies[FAMILY_COUNT] = {
    [FAMILY_IPV4] = {"/proc/self/net/ip_tables_names", "iptables-legacy",
                     "iptables-legacy-save 2>/dev/null"},
    [FAMILY_IPV6] = {"/proc/self/net/ip6_tables_names", "ip6tables-legacy",
                     "ip6tables-legacy-save 2>/dev/null"},
};

enum { RULE_LINE = 1024 };

/* What was read so far of one family's rules. */
struct reading {
    const struct legacy *legacy;
    const char *tun;
    bool in_nat; /* the table that the lines are of */
    unsigned lines;
    bool drops, passes;     /* what FORWARD does with packets from TUN */
    char output[RULE_LINE]; /* the first rule of OUTPUT for another device */
    char nat[RULE_LINE];    /* the first rule for source NAT */
};

/* Whether LINE has OPTION with VALUE, NULL = with any; then *RET_VALUE is what it has. */
static bool has_option(const char *line, const char *option, const char **ret_value)
{
    const char *found = strstr(line, option);

    if (found == NULL || found[strlen(option)] != ' ')
        return false;
    *ret_value = found + strlen(option) + 1;
    return true;
}

static bool is_word(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0 && strchr(" \n", text[strlen(word)]) != NULL;
}

/* A rule for all packets, or for all of TUN, decides; one that asks for more does not. */
static void read_forward(struct reading *reading, const char *rest)
{
    const char *device;
    bool for_tun = has_option(rest, " -i", &device) && is_word(device, reading->tun);

    if (reading->drops || reading->passes)
        return;
    if (for_tun)
        rest = device + strlen(reading->tun);
    reading->passes = is_word(rest, " -j ACCEPT");
    reading->drops = is_word(rest, " -j DROP") || is_word(rest, " -j REJECT");
}

static void read_output(struct reading *reading, const char *line)
{
    const char *device;

    if (!has_option(line, " -o", &device) || is_word(device, "lo"))
        return;
    if (is_word(device, reading->tun))
        reading->output[0] = '\0';
    else if (reading->output[0] == '\0')
        snprintf(reading->output, RULE_LINE, "%.*s-o %s%s", (int)(device - line) - 3, line,
                 reading->tun, device + strcspn(device, " \n"));
}

static void read_rule(struct reading *reading, char *line)
{
    static const char forward[] = "-A FORWARD", output[] = "-A OUTPUT";

    reading->lines++;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '*')
        reading->in_nat = strcmp(line, "*nat") == 0;
    else if (strncmp(line, forward, strlen(forward)) == 0)
        read_forward(reading, line + strlen(forward));
    else if (strncmp(line, output, strlen(output)) == 0)
        read_output(reading, line);
    else if (reading->in_nat && reading->nat[0] == '\0' &&
             (strstr(line, "-j MASQUERADE") != NULL || strstr(line, "-j SNAT") != NULL))
        snprintf(reading->nat, sizeof(reading->nat), "%s", line);
}

/* The policy stands in front of the rules and speaks when none of them did. */
static void read_rules(struct reading *reading, FILE *file)
{
    char line[RULE_LINE];
    bool policy_drops = false;

    while (fgets(line, sizeof(line), file) != NULL) {
        policy_drops |= strncmp(line, ":FORWARD DROP", 13) == 0;
        read_rule(reading, line);
    }
    reading->drops |= policy_drops && !reading->passes;
}

static int report(struct examination *examination, const struct reading *reading)
{
    const char *tool = reading->legacy->tool;
    char mend[MEND_TEXT + RULE_LINE];
    int r = 0;

    if (reading->drops) {
        snprintf(mend, sizeof(mend), "%s -I FORWARD -i %s -j ACCEPT", tool, reading->tun);
        r = examination_add(examination, FINDING_ERROR, mend,
                            "chain FORWARD of %s drops what comes back from the tun device", tool);
    }
    if (r == 0 && reading->output[0] != '\0') {
        snprintf(mend, sizeof(mend), "%s %s", tool, reading->output);
        r = examination_add(examination, FINDING_WARNING, mend,
                            "chain OUTPUT of %s tests the output interface, which is the tun "
                            "device for diverted packets there",
                            tool);
    }
    if (r == 0 && reading->nat[0] != '\0') {
        snprintf(mend, sizeof(mend), "%s-save -t nat | %.*s-nft-restore -n && %s -t nat -F", tool,
                 (int)(strchr(tool, '-') - tool), tool, tool);
        r = examination_add(examination, FINDING_WARNING, mend,
                            "%s translates sources (%s), which ipmodd cannot see and keep right "
                            "behind the tun device; rules of nft it can",
                            tool, reading->nat);
    }
    return r;
}

static int look_at(struct examination *examination, const struct legacy *legacy)
{
    CLEANUP(cleanup_file) FILE *names = fopen(legacy->names, "re");
    struct reading reading = {.legacy = legacy, .tun = examination->config->tun.name};
    FILE *file;

    if (names == NULL && errno == EACCES)
        return examination_add(examination, FINDING_UNKNOWN, "sudo ipmodctl doctor",
                               "whether %s has rules is root's to see", legacy->tool);
    if (names == NULL || fgetc(names) == EOF)
        return 0;
    file = popen(legacy->save, "re");
    if (file == NULL)
        return -errno;
    read_rules(&reading, file);
    if (pclose(file) != 0 || reading.lines == 0)
        return examination_add(examination, FINDING_UNKNOWN, "apt install iptables",
                               "%s has tables, and its own tool is not there to read them",
                               legacy->tool);
    return report(examination, &reading);
}

int check_legacy(struct examination *examination)
{
    int r = 0;

    for (enum ip_family family = 0; family < FAMILY_COUNT && r == 0; family++) {
        if ((examination->snapshot.families & 1u << family) != 0)
            r = look_at(examination, &legacies[family]);
    }
    return r;
}
