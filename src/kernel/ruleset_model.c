/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reduces the JSON of `nft -j list ruleset` to what diversion changes. */
#include "kernel/ruleset_model.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* A name with a wildcard ("br*") covers all that begin with it. */
static bool name_covers(const char *pattern, const char *name)
{
    size_t length = strlen(pattern);

    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(pattern, name, length - 1) == 0;
    return is(pattern, name);
}

/* What a test of device names is for: a word, or the members of a set or map. */
static unsigned test_names(const json_t *right, const char *tun, unsigned if_tun, unsigned if_other)
{
    const json_t *members = json_object_get(right, "set");
    unsigned tests = 0;
    const json_t *item;
    size_t i;

    if (json_is_string(right)) {
        if (name_covers(json_string_value(right), tun))
            return if_tun;
        return is(json_string_value(right), "lo") ? 0 : if_other;
    }
    json_array_foreach(members, i, item)
    {
        const json_t *name = json_is_array(item) ? json_array_get(item, 0) : item;

        if (json_is_string(name))
            tests |= test_names(name, tun, if_tun, if_other);
    }
    return tests;
}

static unsigned test_interface(const char *key, bool positive, const json_t *right, const char *tun)
{
    bool output = is(key, "oif") || is(key, "oifname");
    unsigned tests;

    if (!positive)
        return output ? TESTS_OIF : TESTS_MORE;
    if (output)
        return test_names(right, tun, TESTS_OIF_TUN, TESTS_OIF_OTHER) | TESTS_OIF;
    tests = test_names(right, tun, TESTS_IIF_TUN, TESTS_MORE | TESTS_IIF_OTHER);
    return tests != 0 ? tests : TESTS_MORE;
}

static unsigned test_meta(const char *key, bool positive, const json_t *right, const char *tun)
{
    if (is(key, "oif") || is(key, "oifname") || is(key, "iif") || is(key, "iifname"))
        return test_interface(key, positive, right, tun);
    if (is(key, "mark"))
        return TESTS_MARK;
    if (is(key, "skuid") || is(key, "skgid"))
        return TESTS_OWNER;
    if (is(key, "cgroup"))
        return TESTS_CGROUP;
    if (is(key, "priority"))
        return TESTS_PRIORITY;
    if (is(key, "oiftype") || is(key, "oifgroup") || is(key, "oifkind"))
        return TESTS_OIF;
    return TESTS_MORE;
}

/* LEFT is what is tested: a value, or an expression over some. */
static unsigned test_left(const json_t *left, bool positive, const json_t *right, const char *tun)
{
    const json_t *meta = json_object_get(left, "meta");
    const json_t *mask = json_object_get(left, "&");
    const json_t *together = json_object_get(left, "concat");
    unsigned tests = TESTS_MORE;
    const json_t *item;
    size_t i;

    if (meta != NULL)
        return test_meta(text_of(meta, "key"), positive, right, tun);
    if (json_object_get(left, "socket") != NULL &&
        strncmp(text_of(json_object_get(left, "socket"), "key"), "cgroup", 6) == 0)
        return TESTS_CGROUP;
    if (mask != NULL)
        return test_left(json_array_get(mask, 0), positive, right, tun);
    json_array_foreach(together, i, item) tests |= test_left(item, false, NULL, tun);
    return tests;
}

static void read_match(struct model_rule *rule, const json_t *match, const char *tun)
{
    const json_t *left = json_object_get(match, "left");
    const json_t *right = json_object_get(match, "right");
    const json_t *payload = json_object_get(left, "payload");
    const char *word = text_of(payload, "protocol");
    bool positive = is(text_of(match, "op"), "==") || is(text_of(match, "op"), "in");

    rule->tests |= test_left(left, positive, right, tun);
    if (positive && is(text_of(payload, "field"), "saddr") && (is(word, "ip") || is(word, "ip6"))) {
        rule->source = right;
        rule->source_word = word;
    }
}

/* What iptables has and nft cannot show: extensions by name alone. */
static void read_extension(struct model_rule *rule, const json_t *extension)
{
    static const struct {
        const char *name;
        enum rule_target target;
    } targets[] = {
        {"MASQUERADE", TARGET_MASQUERADE}, {"SNAT", TARGET_SNAT},
        {"NETMAP", TARGET_SNAT},           {"DNAT", TARGET_DNAT},
        {"REJECT", TARGET_DROP},
    };
    static const struct {
        const char *name;
        unsigned tests;
    } matches[] = {{"owner", TESTS_OWNER}, {"cgroup", TESTS_CGROUP}, {"mark", TESTS_MARK}};
    const char *name = text_of(extension, "name");

    if (json_is_null(extension))
        rule->nameless++;
    if (is(text_of(extension, "type"), "match")) {
        rule->tests |= TESTS_MORE;
        for (size_t i = 0; i < ARRAY_SIZE(matches); i++)
            rule->tests |= is(matches[i].name, name) ? matches[i].tests : 0;
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        if (is(targets[i].name, name))
            rule->target = targets[i].target;
    }
}

static int add_jump(struct model_rule *rule, const json_t *jump)
{
    const char **jumps = reallocarray(rule->jumps, rule->jump_count + 1, sizeof(*jumps));

    if (jumps == NULL)
        return -ENOMEM;
    rule->jumps = jumps;
    jumps[rule->jump_count++] = text_of(jump, "target");
    rule->target = TARGET_JUMP;
    return 0;
}

/* `KEY vmap { VALUE : VERDICT, … }`: a test, and several ways on. */
static int read_map(struct model_rule *rule, const json_t *map, const char *tun)
{
    const json_t *data = json_object_get(map, "data");
    const json_t *pair;
    size_t i;

    rule->tests |= test_left(json_object_get(map, "key"), true, data, tun) | TESTS_MORE;
    json_array_foreach(json_object_get(data, "set"), i, pair)
    {
        const json_t *verdict = json_array_get(pair, 1);
        const json_t *jump = json_object_get(verdict, "jump");

        if (jump == NULL)
            jump = json_object_get(verdict, "goto");
        if (jump != NULL && add_jump(rule, jump) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void read_dnat(struct model_rule *rule, const json_t *dnat)
{
    rule->target = TARGET_DNAT;
    rule->dnat_to = json_object_get(dnat, "addr");
}

static int read_statement(struct model_rule *rule, const char *name, const json_t *value,
                          const char *tun)
{
    static const struct {
        const char *name;
        enum rule_target target;
    } verdicts[] = {
        {"accept", TARGET_ACCEPT}, {"drop", TARGET_DROP}, {"reject", TARGET_DROP},
        {"return", TARGET_RETURN}, {"snat", TARGET_SNAT}, {"masquerade", TARGET_MASQUERADE},
    };

    if (is(name, "match"))
        read_match(rule, value, tun);
    else if (is(name, "xt"))
        read_extension(rule, value);
    else if (is(name, "dnat"))
        read_dnat(rule, value);
    else if (is(name, "vmap"))
        return read_map(rule, value, tun);
    else if (is(name, "jump") || is(name, "goto"))
        return add_jump(rule, value);
    else if (is(name, "limit"))
        rule->tests |= TESTS_MORE;
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++) {
        if (is(verdicts[i].name, name))
            rule->target = verdicts[i].target;
    }
    return 0;
}

static int read_rule(struct model_chain *chain, const json_t *object, const char *tun)
{
    struct model_rule *rules = reallocarray(chain->rules, chain->rule_count + 1, sizeof(*rules));
    const json_t *statement;
    struct model_rule *rule;
    size_t i;

    if (rules == NULL)
        return -ENOMEM;
    chain->rules = rules;
    rule = &rules[chain->rule_count++];
    *rule = (struct model_rule){.handle = json_integer_value(json_object_get(object, "handle"))};
    json_array_foreach(json_object_get(object, "expr"), i, statement)
    {
        void *entry = json_object_iter((json_t *)statement);

        if (entry != NULL && read_statement(rule, json_object_iter_key(entry),
                                            json_object_iter_value(entry), tun) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int read_chain(struct model *model, const json_t *object)
{
    struct model_chain *chains =
        reallocarray(model->chains, model->chain_count + 1, sizeof(*chains));

    if (chains == NULL)
        return -ENOMEM;
    model->chains = chains;
    chains[model->chain_count++] = (struct model_chain){
        .family = text_of(object, "family"),
        .table = text_of(object, "table"),
        .name = text_of(object, "name"),
        .type = json_string_value(json_object_get(object, "type")),
        .hook = json_string_value(json_object_get(object, "hook")),
        .policy_drop = is(text_of(object, "policy"), "drop"),
    };
    return 0;
}

static bool is_named(const struct model_chain *chain, const char *family, const char *table,
                     const char *name)
{
    return is(chain->name, name) && is(chain->table, table) && is(chain->family, family);
}

/* Rules come in runs of one chain: the last one found is asked first. */
static struct model_chain *chain_of(struct model *model, const json_t *rule, size_t *hint)
{
    const char *family = text_of(rule, "family");
    const char *table = text_of(rule, "table");
    const char *name = text_of(rule, "chain");

    for (size_t n = 0; n < model->chain_count; n++) {
        size_t i = (*hint + n) % model->chain_count;

        if (is_named(&model->chains[i], family, table, name)) {
            *hint = i;
            return &model->chains[i];
        }
    }
    return NULL;
}

int model_read(struct model *model, const char *text, const char *tun)
{
    const json_t *objects;
    const json_t *item;
    size_t hint = 0;
    size_t i;
    int r = 0;

    *model = (struct model){.root = json_loads(text, 0, NULL)};
    objects = json_object_get(model->root, "nftables");
    if (!json_is_array(objects))
        return -EBADMSG;
    json_array_foreach(objects, i, item)
    {
        if (json_object_get(item, "chain") != NULL && r == 0)
            r = read_chain(model, json_object_get(item, "chain"));
    }
    json_array_foreach(objects, i, item)
    {
        const json_t *rule = json_object_get(item, "rule");
        struct model_chain *chain = rule != NULL ? chain_of(model, rule, &hint) : NULL;

        if (chain != NULL && r == 0)
            r = read_rule(chain, rule, tun);
    }
    return r;
}

void model_clear(struct model *model)
{
    for (size_t i = 0; i < model->chain_count; i++) {
        for (size_t k = 0; k < model->chains[i].rule_count; k++)
            free(model->chains[i].rules[k].jumps);
        free(model->chains[i].rules);
    }
    free(model->chains);
    json_decref(model->root);
    *model = (struct model){.root = NULL};
}

struct model_chain *model_find(const struct model *model, const struct model_chain *chain,
                               const char *name)
{
    for (size_t i = 0; i < model->chain_count; i++) {
        if (is_named(&model->chains[i], chain->family, chain->table, name))
            return &model->chains[i];
    }
    return NULL;
}
