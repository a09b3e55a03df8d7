/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follow.c has to tell the table. */
#ifndef IPMODD_DATAPATH_FLOW_TABLE_H
#define IPMODD_DATAPATH_FLOW_TABLE_H

#include "ipmodd/datapath/flow.h"

/* FLOW has been answered: it makes room for no other any more. */
void table_note_answer(struct flow_table *table, struct flow *flow);

#endif
