/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boxes kept as runs of one array of spans. */
#include "box_list.h"

#include "ipmodd/base/macro.h"

#include <errno.h>
#include <string.h>

int box_list_init(struct box_list *boxes, size_t capacity)
{
    *boxes = (struct box_list){.capacity = capacity};
    boxes->sides = calloc(capacity + 1, sizeof(*boxes->sides));
    boxes->facts = calloc(capacity + 1, sizeof(*boxes->facts));
    return boxes->sides != NULL && boxes->facts != NULL ? 0 : -ENOMEM;
}

void box_list_clear(struct box_list *boxes)
{
    free(boxes->sides);
    free(boxes->facts);
    free(boxes->spans);
    *boxes = (struct box_list){.count = 0};
}

/* Room for the spans of any box. */
static int reserve(struct box_list *boxes)
{
    size_t needed = boxes->span_count + (size_t)DIMENSION_COUNT * COVER_SPANS;
    struct span *spans;

    if (needed <= boxes->span_capacity)
        return 0;
    spans = reallocarray(boxes->spans, 2 * needed, sizeof(*spans));
    if (spans == NULL)
        return -ENOMEM;
    boxes->spans = spans;
    boxes->span_capacity = 2 * needed;
    return 0;
}

int box_list_add(struct box_list *boxes, const struct box *box, bool asks, uint16_t exact)
{
    struct box_side *sides = boxes->sides[boxes->count];

    if (reserve(boxes) < 0)
        return -ENOMEM;
    for (size_t d = 0; d < DIMENSION_COUNT; d++) {
        const struct cover *cover = &box->sides[d];

        if (!box->bounded[d])
            continue;
        sides[d] = (struct box_side){(uint32_t)boxes->span_count, (uint32_t)cover->count};
        memcpy(&boxes->spans[boxes->span_count], cover->spans,
               cover->count * sizeof(cover->spans[0]));
        boxes->span_count += cover->count;
        asks |= cover->ends_only && (exact & 1u << d) != 0;
    }
    boxes->facts[boxes->count++] = (struct box_facts){box->empty, asks, exact};
    return 0;
}
