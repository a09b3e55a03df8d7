/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Receive packet steering of the tun device, by the files of its queues in /sys. */
#include "kernel/rps.h"

#include "ipmodd/base/text_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

/* 50 ms to 6.4 s between two tries: 12.8 s in all, within which udev has had its turn. */
enum {
    TRIES = 8,
    FIRST_WAIT_MS = 50,
};

/* A file in /sys is no longer than a page; a mask of all that there can be has 2,304 bytes. */
enum { FILE_TEXT = 4097 };

#define ONLINE "/sys/devices/system/cpu/online"

/* What the kernel or the file system has against it. */
static const struct {
    int error;
    const char *why;
} refusals[] = {
    {ENODEV, "/sys is not that of this network namespace" REMARK_HELP
             "one that is mounted in it, as `ip netns exec` does"},
    {ENOENT, "this kernel cannot steer packets (CONFIG_RPS)"},
    {EROFS,
     "it is read-only here" REMARK_HELP "`ReadWritePaths=/sys/devices/virtual/net` in the unit"},
    {EACCES, "this user may not write it" REMARK_HELP
             "the rule 60-ipmodd.rules of udev, with the name of this device"},
    {EPERM, "the kernel lets only those set it who may administrate the whole host, not those in a "
            "user namespace"},
    {EINVAL, "the kernel keeps all of these CPUs free of such work (isolcpus, nohz_full)"},
};

const char *rps_path(const char *name, unsigned queue, char buffer[static RPS_PATH])
{
    snprintf(buffer, RPS_PATH, "/sys/class/net/%s/queues/rx-%u/rps_cpus", name, queue);
    return buffer;
}

/* 0 or -errno. */
static int read_file(const char *path, char text[static FILE_TEXT])
{
    int fd CLEANUP(cleanup_fd) = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, FILE_TEXT - 1);

    if (length < 0)
        return -errno;
    text[length] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return 0;
}

static int write_mask(const char *path, const struct cpu_list *cpus)
{
    int fd CLEANUP(cleanup_fd) = open(path, O_WRONLY | O_CLOEXEC);
    char text[FILE_TEXT];
    FILE *out;

    if (fd < 0)
        return -errno;
    out = text_stream_into(text, sizeof(text));
    if (out == NULL)
        return -ENOMEM;
    cpu_list_print_mask(cpus, out);
    fclose(out);
    return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* 0 or -errno. */
static int read_attribute(const char *name, const char *attribute, char text[static FILE_TEXT])
{
    char path[RPS_PATH];

    snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, attribute);
    return read_file(path, text);
}

static bool is_shown(const char *name, uint32_t ifindex)
{
    char text[FILE_TEXT], wanted[16];

    snprintf(wanted, sizeof(wanted), "%" PRIu32, ifindex);
    return read_attribute(name, "ifindex", text) == 0 && strcmp(text, wanted) == 0;
}

/*
 * Whether the device that /sys shows is ours. Namespaces count alike, so another one may well have
 * a device of the same name and number; but what is done to ours by its descriptor shows on ours
 * alone. A device that was just made belongs to no group.
 */
static bool is_ours(const struct tun *tun)
{
    char before[FILE_TEXT], after[FILE_TEXT];

    return read_attribute(tun->name, "group", before) == 0 && tun_set_group(tun, getegid()) == 0 &&
           read_attribute(tun->name, "group", after) == 0 && strcmp(before, after) != 0;
}

int rps_read(const char *name, uint32_t ifindex, unsigned queue, struct cpu_list *ret_cpus)
{
    char path[RPS_PATH], text[FILE_TEXT];
    int r;

    if (!is_shown(name, ifindex))
        return -ENODEV;
    r = read_file(rps_path(name, queue, path), text);
    return r < 0 ? r : cpu_list_parse_mask(text, ret_cpus);
}

/* Numbers that the kernel does not have would make it refuse the whole mask. */
int rps_wanted(const struct config_tun *config, struct cpu_list *ret_cpus)
{
    struct cpu_list online;
    char text[FILE_TEXT];
    int r = read_file(ONLINE, text);

    if (r == 0)
        r = cpu_list_parse(text, &online);
    if (r == 0)
        *ret_cpus = config->rps_all ? online : cpu_list_common(&config->rps, &online);
    return r;
}

/* What is there then is kept as ours: the kernel leaves out CPUs that it keeps free. */
static int set_queues(struct rps *rps, const struct tun *tun, const struct cpu_list *cpus)
{
    int r = 0;

    for (unsigned i = 0; i < tun->queues && r == 0; i++) {
        char path[RPS_PATH];

        r = write_mask(rps_path(tun->name, i, path), cpus);
        if (r == 0)
            r = rps_read(tun->name, tun->ifindex, i, &rps->cpus);
    }
    return r;
}

static int take_back(struct rps *rps, const struct tun *tun)
{
    const struct cpu_list none = {.words = {0}};
    struct cpu_list now;
    int r = 0;

    if (cpu_list_is_empty(&rps->cpus))
        return 0;
    for (unsigned i = 0; i < tun->queues && r == 0; i++) {
        char path[RPS_PATH];

        r = rps_read(tun->name, tun->ifindex, i, &now);
        if (r == 0 && cpu_list_equal(&now, &rps->cpus))
            r = write_mask(rps_path(tun->name, i, path), &none);
    }
    if (r == 0)
        rps->cpus = none;
    return r;
}

/* 0, or -errno of the first queue that could not be made right. */
static int set(struct rps *rps, const struct config_tun *config, const struct tun *tun)
{
    struct cpu_list wanted;
    int r;

    if (rps->ifindex != tun->ifindex)
        rps->cpus = (struct cpu_list){.words = {0}};
    if (!config->rps_all && cpu_list_is_empty(&config->rps))
        return take_back(rps, tun);
    if (rps->ifindex != tun->ifindex && !is_ours(tun))
        return -ENODEV;
    rps->ifindex = tun->ifindex;
    r = rps_wanted(config, &wanted);
    if (r < 0)
        return r;
    return cpu_list_is_empty(&wanted) ? take_back(rps, tun) : set_queues(rps, tun, &wanted);
}

static int remark_refusal(const char *name, int error, struct remarks *remarks)
{
    char path[RPS_PATH];
    const char *why = strerror(-error);

    for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
        if (refusals[i].error == -error)
            why = refusals[i].why;
    }
    return remarks_add(remarks, REMARK_RPS, "rps: packets are not steered to other CPUs: %s: %s",
                       rps_path(name, 0, path), why);
}

/* A list may be for several machines, or longer than what is awake now. */
static int remark_absent(const struct config_tun *config, struct remarks *remarks)
{
    struct cpu_list wanted;
    char text[128] = "";
    FILE *out;

    if (config->rps_all || rps_wanted(config, &wanted) < 0 || cpu_list_equal(&wanted, &config->rps))
        return 0;
    out = text_stream_into(text, sizeof(text));
    if (out == NULL)
        return -ENOMEM;
    cpu_list_print(&wanted, out);
    fclose(out);
    return remarks_add(remarks, REMARK_RPS,
                       "rps: this machine has not all of these CPUs running: packets are steered "
                       "to %s" REMARK_HELP "[tun] rps = all",
                       text[0] != '\0' ? text : "none");
}

static bool same(const struct remarks *a, const struct remarks *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!remarks_have(b, &a->items[i]))
            return false;
    }
    return a->count == b->count;
}

void rps_begin(struct rps *rps, uint64_t now_ns)
{
    rps->due_ns = now_ns;
    rps->tries = 0;
}

int rps_work(struct rps *rps, const struct config_tun *config, const struct tun *tun,
             uint64_t now_ns)
{
    struct remarks CLEANUP(remarks_clear) remarks = {.items = NULL};
    struct remarks before = rps->remarks;
    int r;

    if (rps->due_ns == 0 || now_ns < rps->due_ns)
        return 0;
    rps->due_ns = 0;
    r = tun->ifindex == 0 ? 0 : set(rps, config, tun);
    if (r == -EACCES && rps->tries < TRIES) {
        rps->due_ns = now_ns + (UINT64_C(1000000) * FIRST_WAIT_MS << rps->tries++);
        return 0;
    }
    r = r < 0 ? remark_refusal(tun->name, r, &remarks) : remark_absent(config, &remarks);
    if (r < 0 || same(&remarks, &before))
        return r;
    rps->remarks = remarks;
    remarks = before; /* to be cleared */
    return 1;
}

void rps_clear(struct rps *rps)
{
    remarks_clear(&rps->remarks);
}
