/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of configuration values: blanks, numbers, lists, near misses. */
#include "ipmodd/base/text.h"

#include "ipmodd/base/macro.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Longer words are never near to a name, which bounds the work on garbage. */
enum { GUESS_LENGTH_MAX = 31 };

bool text_is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t text_byte_order_mark(const char *text)
{
    static const char mark[] = "\xef\xbb\xbf";

    return strncmp(text, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
}

char *text_strip(char *text)
{
    size_t length;

    while (text_is_blank(*text))
        text++;
    length = strlen(text);
    while (length > 0 && text_is_blank(text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

char *text_next_word(char **rest)
{
    char *word;

    while ((word = strsep(rest, " \t")) != NULL) {
        if (*word != '\0')
            return word;
    }
    return NULL;
}

int text_parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;

    if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
        return -EINVAL;
    for (; *text != '\0'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');

        if (digit > max || number > (max - digit) / 10)
            return -ERANGE;
        number = number * 10 + digit;
    }
    *ret_number = number;
    return 0;
}

int text_parse_seconds(const char *text, uint32_t max, uint32_t *ret_seconds)
{
    static const struct {
        const char *name;
        uint32_t seconds;
    } units[] = {{"min", 60}, {"h", 3600}, {"d", 86400}, {"s", 1}, {"", 1}};
    size_t digits = strspn(text, "0123456789");
    char CLEANUP(cleanup_free) *number = strndup(text, digits);
    uint64_t count;

    for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
        int r;

        if (strcmp(text + digits, units[i].name) != 0)
            continue;
        r = number != NULL ? text_parse_number(number, max / units[i].seconds, &count) : -ENOMEM;
        if (r < 0 || count == 0)
            return r < 0 ? r : -EINVAL;
        *ret_seconds = (uint32_t)count * units[i].seconds;
        return 0;
    }
    return -EINVAL;
}

/* Number of items that TEXT has room for: one more than commas. */
static size_t count_items(const char *text)
{
    size_t count = 1;

    for (; *text != '\0'; text++)
        count += *text == ',';
    return count;
}

/* TEXT without blanks and its leading `!`. */
static struct text_item make_item(char *text)
{
    struct text_item item = {.text = text_strip(text)};

    if (*item.text != '!')
        return item;
    item.negated = true;
    item.text = text_strip((char *)item.text + 1);
    return item;
}

int text_list_split(const char *text, struct text_list *ret_list)
{
    size_t capacity = count_items(text);
    struct text_list list = {.items = malloc(capacity * sizeof(*list.items) + strlen(text) + 1)};
    char *rest, *piece;

    if (list.items == NULL)
        return -ENOMEM;
    rest = strcpy((char *)&list.items[capacity], text);
    while ((piece = strsep(&rest, ",")) != NULL) {
        struct text_item item = make_item(piece);

        if (*item.text == '\0') {
            text_list_clear(&list);
            return -EINVAL;
        }
        list.items[list.count++] = item;
    }
    *ret_list = list;
    return 0;
}

void text_list_clear(struct text_list *list)
{
    free(list->items);
    *list = (struct text_list){.items = NULL};
}

static bool is_same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/*
 * Slips between A and B: insertions, deletions, replacements and swaps of neighbours (optimal
 * string alignment); a capital is none. Both have at most GUESS_LENGTH_MAX bytes.
 */
static size_t edit_distance(const char *a, const char *b)
{
    size_t table[GUESS_LENGTH_MAX + 1][GUESS_LENGTH_MAX + 1];
    size_t a_length = strlen(a), b_length = strlen(b);

    for (size_t i = 0; i <= a_length; i++)
        table[i][0] = i;
    for (size_t j = 0; j <= b_length; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = table[i - 1][j - 1] + !is_same_letter(a[i - 1], b[j - 1]);

            best = MIN_OF(best, table[i - 1][j] + 1);
            best = MIN_OF(best, table[i][j - 1] + 1);
            if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2]) &&
                is_same_letter(a[i - 2], b[j - 1]))
                best = MIN_OF(best, table[i - 2][j - 2] + 1);
            table[i][j] = best;
        }
    }
    return table[a_length][b_length];
}

void text_guess_offer(struct text_guess *guess, const char *candidate)
{
    size_t word_length = strlen(guess->word);
    size_t distance;

    if (word_length > GUESS_LENGTH_MAX || strlen(candidate) > GUESS_LENGTH_MAX)
        return;
    distance = edit_distance(guess->word, candidate);
    if (distance > (word_length + 2) / 3 || distance >= strlen(candidate))
        return;
    if (guess->name != NULL && distance >= guess->distance)
        return;
    guess->name = candidate;
    guess->distance = distance;
}

uint64_t text_digest(uint64_t digest, const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;

    do {
        digest = (digest ^ *byte) * UINT64_C(0x100000001b3);
    } while (*byte++ != '\0');
    return digest;
}
