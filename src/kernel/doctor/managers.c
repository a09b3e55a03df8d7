/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that manage the network and might take rules or the tun device for theirs. */
#include "kernel/doctor/examination.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_LINE = 512 };

/* Of networkd.conf(5): the last line that sets a key decides. */
struct foreign_keys {
    bool keeps_rules, keeps_routes;
};

static void read_key(struct foreign_keys *keys, const char *line)
{
    static const char rules[] = "ManageForeignRoutingPolicyRules", routes[] = "ManageForeignRoutes";
    const char *value = strchr(line, '=');
    size_t length = strcspn(line, " \t=");
    bool is_no;

    if (value == NULL)
        return;
    value += 1 + strspn(value + 1, " \t");
    is_no = strncasecmp(value, "no", 2) == 0 || strncasecmp(value, "false", 5) == 0 ||
            strncasecmp(value, "off", 3) == 0 || value[0] == '0';
    if (length == strlen(rules) && strncmp(line, rules, length) == 0)
        keys->keeps_rules = is_no;
    if (length == strlen(routes) && strncmp(line, routes, length) == 0)
        keys->keeps_routes = is_no;
}

/* Knows where drop-ins are and which mask which. */
static int read_networkd(struct foreign_keys *keys)
{
    FILE *file = popen("systemd-analyze cat-config systemd/networkd.conf 2>/dev/null", "re");
    char line[CONFIG_LINE];

    if (file == NULL)
        return -errno;
    while (fgets(line, sizeof(line), file) != NULL)
        read_key(keys, line + strspn(line, " \t"));
    pclose(file);
    return 0;
}

int check_networkd(struct examination *examination)
{
    struct foreign_keys keys = {.keeps_rules = false};
    int r;

    if (access("/run/systemd/netif/state", F_OK) < 0)
        return 0;
    r = read_networkd(&keys);
    if (r < 0 || (keys.keeps_rules && keys.keeps_routes))
        return r;
    return examination_add(
        examination, FINDING_WARNING,
        "mkdir -p /etc/systemd/networkd.conf.d && printf "
        "'[Network]\\nManageForeignRoutingPolicyRules=no\\nManageForeignRoutes=no\\n' "
        ">/etc/systemd/networkd.conf.d/ipmodd.conf && systemctl restart systemd-networkd",
        "systemd-networkd takes out %s of others when it starts or a device comes back: packets "
        "are not diverted until ipmodd has put its own back",
        keys.keeps_rules    ? "routes"
        : keys.keeps_routes ? "policy rules"
                            : "policy rules and routes");
}

static bool file_has(const char *path, const char *text)
{
    CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
    char line[CONFIG_LINE];

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        const char *found = line[0] != '#' ? strstr(line, text) : NULL;

        if (found != NULL && strchr(",;\n \t", found[strlen(text)]) != NULL)
            return true;
    }
    return false;
}

static bool any_has(const char *pattern, const char *text)
{
    glob_t paths;
    bool found = false;

    if (glob(pattern, 0, NULL, &paths) == 0) {
        for (size_t i = 0; i < paths.gl_pathc && !found; i++)
            found = file_has(paths.gl_pathv[i], text);
        globfree(&paths);
    }
    return found;
}

int check_network_manager(struct examination *examination)
{
    static const char *const places[] = {"/etc/NetworkManager/NetworkManager.conf",
                                         "/etc/NetworkManager/conf.d/*.conf",
                                         "/run/NetworkManager/conf.d/*.conf",
                                         "/usr/lib/NetworkManager/conf.d/*.conf"};
    const char *name = examination->config->tun.name;
    char text[IFNAMSIZ + 32];
    char mend[MEND_TEXT];

    if (access("/run/NetworkManager", F_OK) < 0)
        return 0;
    snprintf(text, sizeof(text), "interface-name:%s", name);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        if (any_has(places[i], text))
            return 0;
    }
    snprintf(mend, sizeof(mend),
             "printf '[device-ipmodd]\\nmatch-device=interface-name:%s\\nmanaged=0\\n' "
             ">/etc/NetworkManager/conf.d/10-ipmodd.conf && nmcli general reload",
             name);
    return examination_add(examination, FINDING_WARNING, mend,
                           "NetworkManager is not told to leave %s alone, and may take it for a "
                           "connection to manage",
                           name);
}
