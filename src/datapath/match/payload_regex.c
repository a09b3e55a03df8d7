/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * payload-regex: a regular expression (PCRE2) somewhere in the payload of one packet.
 *
 * Whoever sends packets chooses the text, so the work is bounded and not only the result: the
 * pattern is compiled with a call of ours in front of each of its items, which counts steps, and
 * distance for what the engine skips over in between. When the budget is used up the search ends
 * and the match does not hold, negated or not; the path counts it.
 *
 * Everything that a search works in is made beforehand: the stack of the just-in-time code, and for
 * hosts that do not allow such code the interpreter's frames, grown to their limit once.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "table.h"

#include "ipmodd/datapath/literal.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATTERN_MAX = 4096,    /* bytes */
    BUDGET = 100000,       /* steps in one packet: half a millisecond of compiled code */
    BYTES_PER_STEP = 16,   /* that are skipped at the cost of a step */
    FRAMES_KIB = 256,      /* of the interpreter */
    STACK_MIN = 32 * 1024, /* of compiled code */
    STACK_MAX = 256 * 1024,
};

struct regex_value {
    pcre2_code *code;
    bool negated;
    char pattern[];
};

struct regex_state {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    size_t place; /* in the text, at the last step */
    size_t budget;
};

static void regex_free(void *pointer)
{
    struct regex_value *value = pointer;

    pcre2_code_free(value->code);
    free(value);
}

/* The pattern between the quotation marks; one of them inside has a backslash, as it may have. */
static bool read_pattern(const char *text, struct regex_value *value)
{
    size_t length;

    value->negated = *text == '!';
    text += value->negated ? 1 : 0;
    text += strspn(text, " \t");
    length = strlen(text);
    if (length < 3 || length - 2 > PATTERN_MAX || text[0] != '"' || text[length - 1] != '"')
        return false;
    memcpy(value->pattern, text + 1, length - 2);
    return true;
}

static int compile(struct regex_value *value, struct value_error *error)
{
    const uint32_t options = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP;
    PCRE2_UCHAR message[120];
    PCRE2_SIZE offset;
    int number;

    value->code = pcre2_compile((PCRE2_SPTR)value->pattern, PCRE2_ZERO_TERMINATED, options, &number,
                                &offset, NULL);
    if (value->code != NULL) {
        pcre2_jit_compile(value->code, PCRE2_JIT_COMPLETE); /* without it: the interpreter */
        return 0;
    }
    pcre2_get_error_message(number, message, sizeof(message));
    return value_refuse(error, "'%.40s' is no regular expression: at byte %zu: %s", value->pattern,
                        offset, (const char *)message);
}

/* TEXT is not of the form of a value. */
static int refuse_form(const char *text, struct value_error *error)
{
    const char *pattern = text + strspn(text, "! \t");
    size_t length = strlen(pattern);

    if (*pattern == '"' && (length == 1 || pattern[length - 1] != '"'))
        return value_refuse(error, LITERAL_OPEN, text);
    return value_refuse(error,
                        "'%.40s' is not right: \"PATTERN\" of 1 to %d bytes, or ! in front of it",
                        text, PATTERN_MAX);
}

static int regex_parse(const char *text, const struct scope *scope, void **ret_value,
                       struct value_error *error)
{
    struct regex_value *value = calloc(1, sizeof(*value) + strlen(text) + 1);
    int r;

    (void)scope;
    if (value == NULL)
        return -ENOMEM;
    if (read_pattern(text, value))
        r = compile(value, error);
    else
        r = refuse_form(text, error);
    if (r < 0) {
        free(value);
        return r;
    }
    *ret_value = value;
    return 0;
}

/* Takes a step's cost from the budget; called by the engine. */
static int count_step(pcre2_callout_block *step, void *pointer)
{
    struct regex_state *state = pointer;
    size_t here = step->current_position;
    size_t distance = here > state->place ? here - state->place : state->place - here;
    size_t cost = 1 + distance / BYTES_PER_STEP;

    state->place = here;
    if (cost > state->budget)
        return PCRE2_ERROR_CALLOUT;
    state->budget -= cost;
    return 0;
}

/* Memory of the engine, taken through functions of this program. */
static void *take(size_t size, void *unused)
{
    (void)unused;
    return malloc(size);
}

static void give_back(void *memory, void *unused)
{
    (void)unused;
    free(memory);
}

static void regex_state_free(void *pointer)
{
    struct regex_state *state = pointer;

    pcre2_match_data_free(state->data);
    pcre2_match_context_free(state->context);
    pcre2_jit_stack_free(state->stack);
    free(state);
}

/* Makes the interpreter's frames grow to their limit, by a search that needs more than that. */
static bool grow_frames(const struct regex_state *state)
{
    static const char pattern[] = "(?:a|b)*c";
    char text[8192];
    PCRE2_SIZE offset;
    int number;
    pcre2_code *code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &number, &offset, NULL);

    if (code == NULL)
        return false;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = 'c';
    number = pcre2_match(code, (PCRE2_SPTR)text, sizeof(text), 0, 0, state->data, state->context);
    pcre2_code_free(code);
    return number == PCRE2_ERROR_HEAPLIMIT;
}

static bool needs_frames(const struct regex_value *value)
{
    size_t size = 0;

    return pcre2_pattern_info(value->code, PCRE2_INFO_JITSIZE, &size) < 0 || size == 0;
}

static bool fill_state(struct regex_state *state, pcre2_general_context *memory)
{
    state->data = pcre2_match_data_create(1, memory);
    state->context = pcre2_match_context_create(memory);
    state->stack = pcre2_jit_stack_create(STACK_MIN, STACK_MAX, memory);
    if (state->data == NULL || state->context == NULL || state->stack == NULL)
        return false;
    pcre2_jit_stack_assign(state->context, NULL, state->stack);
    pcre2_set_heap_limit(state->context, FRAMES_KIB);
    return true;
}

static void *regex_state_new(const void *value)
{
    pcre2_general_context *memory = pcre2_general_context_create(take, give_back, NULL);
    struct regex_state *state = calloc(1, sizeof(*state));
    bool made = memory != NULL && state != NULL && fill_state(state, memory);

    pcre2_general_context_free(memory);
    if (made && needs_frames(value))
        made = grow_frames(state);
    if (made) {
        pcre2_set_callout(state->context, count_step, state);
        return state;
    }
    if (state != NULL)
        regex_state_free(state);
    return NULL;
}

static bool regex_test(const void *pointer, const struct match_context *context,
                       const struct packet *packet)
{
    const struct regex_value *value = pointer;
    struct regex_state *state = context->state;
    int found;

    if (!packet_has_payload(packet))
        return false;
    state->place = 0;
    state->budget = BUDGET;
    found = pcre2_match(value->code, packet->data + packet->payload_offset,
                        packet_payload_length(packet), 0, 0, state->data, state->context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) {
        (*context->undecided)++;
        return false;
    }
    return (found >= 0) != value->negated;
}

static void regex_print(const void *pointer, FILE *out)
{
    const struct regex_value *value = pointer;

    fprintf(out, "%s\"%s\"", value->negated ? "!" : "", value->pattern);
}

const struct match_type match_payload_regex = {
    .key = "payload-regex",
    .grammar = "\"PATTERN\", or ! in front of it",
    .parse = regex_parse,
    .free = regex_free,
    .test = regex_test,
    .reads = FIELD_BIT(FIELD_FAMILY) | FIELD_BIT(FIELD_PROTO) | FIELD_BIT(FIELD_FRAGMENT) |
             FIELD_BIT(FIELD_PAYLOAD),
    .print = regex_print,
    .state_new = regex_state_new,
    .state_free = regex_state_free,
    .per_wire_packet = true,
    .needs_header = true,
};
