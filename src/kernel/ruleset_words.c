/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables' extensions in a rule do, from the words of nft(8) for it. */
#include "kernel/ruleset_model.h"

#include "ipmodd/base/macro.h"

#include <string.h>

/* A word of a rule, borrowed. */
struct word {
    const char *text;
    size_t length;
};

static struct word next_word(const char **rest)
{
    struct word word = {.text = *rest + strspn(*rest, " \t")};

    word.length = strcspn(word.text, " \t");
    *rest = word.text + word.length;
    return word;
}

static bool is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

static enum rule_target target_of(struct word word)
{
    static const struct {
        const char *word;
        enum rule_target target;
    } targets[] = {
        {"masquerade", TARGET_MASQUERADE},
        {"snat", TARGET_SNAT},
        {"dnat", TARGET_DNAT},
        {"reject", TARGET_DROP},
    };

    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        if (is(word, targets[i].word))
            return targets[i].target;
    }
    return TARGET_NONE;
}

/* `mark 0x1` and `meta mark 0x1` test it; `ct mark` is another one, and `mark set` is no test. */
static bool is_mark_test(struct word before, struct word word, const char *rest)
{
    return is(word, "mark") && !is(before, "ct") && !is(next_word(&rest), "set");
}

static unsigned tests_of(struct word before, struct word word, const char *rest)
{
    if (is(word, "skuid") || is(word, "skgid"))
        return TESTS_OWNER;
    if (is(word, "cgroup"))
        return TESTS_CGROUP;
    return is_mark_test(before, word, rest) ? TESTS_MARK : 0;
}

void model_read_words(struct model_rule *rule, const char *words)
{
    enum rule_target target = TARGET_NONE;
    struct word before = {.text = ""};

    for (const char *rest = words; *rest != '\0';) {
        struct word word = next_word(&rest);

        if (target == TARGET_NONE)
            target = target_of(word);
        rule->tests |= tests_of(before, word, rest);
        before = word;
    }
    if (target != TARGET_NONE)
        rule->target = target;
    /* Whatever is left is a match, or nothing that decides. */
    if (rule->nameless > (target != TARGET_NONE ? 1u : 0u))
        rule->tests |= TESTS_MORE;
}
