/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Spans of values, put in order and intersected. */
#include "ipmodd/datapath/box.h"

#include "ipmodd/base/macro.h"

/* SPAN becomes the smallest one that holds FIRST to LAST too. */
static void widen(struct span *span, uint64_t first, uint64_t last)
{
    span->first = MIN_OF(span->first, first);
    span->last = MAX_OF(span->last, last);
}

static void keep_ends_only(struct cover *cover)
{
    for (size_t i = 1; i < cover->count; i++)
        widen(&cover->spans[0], cover->spans[i].first, cover->spans[i].last);
    cover->count = 1;
    cover->ends_only = true;
}

void cover_add(struct cover *cover, uint64_t first, uint64_t last)
{
    struct span *behind = cover->count > 0 ? &cover->spans[cover->count - 1] : NULL;

    if (behind != NULL && behind->last != UINT64_MAX && behind->last + 1 == first) {
        behind->last = last;
        return;
    }
    if (cover->count == COVER_SPANS)
        keep_ends_only(cover);
    if (cover->ends_only)
        widen(&cover->spans[0], first, last);
    else
        cover->spans[cover->count++] = (struct span){first, last};
}

static void sort(struct cover *cover)
{
    for (size_t i = 1; i < cover->count; i++) {
        struct span span = cover->spans[i];
        size_t at = i;

        for (; at > 0 && cover->spans[at - 1].first > span.first; at--)
            cover->spans[at] = cover->spans[at - 1];
        cover->spans[at] = span;
    }
}

/* Spans that touch or overlap become one. */
static void join(struct cover *cover)
{
    size_t kept = 0;

    for (size_t i = 0; i < cover->count; i++) {
        struct span *last = kept > 0 ? &cover->spans[kept - 1] : NULL;

        if (last != NULL && (last->last == UINT64_MAX || cover->spans[i].first <= last->last + 1))
            last->last = MAX_OF(last->last, cover->spans[i].last);
        else
            cover->spans[kept++] = cover->spans[i];
    }
    cover->count = kept;
}

/* Of a cover that is known by its ends alone, no more is known of what it has in common. */
static struct cover intersect(const struct cover *a, const struct cover *b)
{
    struct cover both = {.count = 0};

    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            uint64_t first = MAX_OF(a->spans[i].first, b->spans[j].first);
            uint64_t last = MIN_OF(a->spans[i].last, b->spans[j].last);

            if (first <= last)
                cover_add(&both, first, last);
        }
    }
    if ((a->ends_only || b->ends_only) && both.count > 0)
        keep_ends_only(&both);
    return both;
}

static bool is_upper_layer(enum dimension dimension)
{
    return dimension == DIMENSION_DPORT || dimension == DIMENSION_SPORT ||
           dimension == DIMENSION_PROTO || dimension == DIMENSION_ICMP_TYPE;
}

/*
 * No packet has the value that stands for none in a dimension of the upper layer. The box is not
 * empty for all that: of a packet whose upper layer is not known, nothing can be said there.
 */
void box_bound(struct box *box, enum dimension dimension, const struct cover *cover)
{
    struct cover *side = &box->sides[dimension];

    if (box->bounded[dimension])
        *side = intersect(side, cover);
    else
        *side = *cover;
    box->bounded[dimension] = true;
    box->touched |= (uint16_t)(1u << dimension);
    sort(side);
    join(side);
    if (side->count > 0)
        return;
    if (is_upper_layer(dimension))
        cover_add(side, UINT64_MAX, UINT64_MAX);
    else
        box->empty = true;
}

void box_bound_protos(struct box *box, const struct scope *scope)
{
    const uint64_t *words = scope->protos[box->family];
    struct cover cover = {.count = 0};

    if ((words[0] & words[1] & words[2] & words[3]) == UINT64_MAX)
        return;
    for (unsigned word = 0; word < 4; word++) {
        for (uint64_t left = words[word]; left != 0; left &= left - 1) {
            unsigned proto = word * 64 + (unsigned)__builtin_ctzll(left);

            cover_add(&cover, proto, proto);
        }
    }
    box_bound(box, DIMENSION_PROTO, &cover);
}
