/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of tables that are large and touched as they fill. */
#ifndef IPMODD_DATAPATH_FLOW_MEMORY_H
#define IPMODD_DATAPATH_FLOW_MEMORY_H

#include <stddef.h>

/*
 * SIZE bytes of zeros in huge pages where the kernel has them: entries are met in no order, and
 * with small pages most meetings would cost a walk through page tables besides. NULL without
 * memory.
 */
void *memory_map(size_t size);

/* NULL is allowed. */
void memory_unmap(void *memory, size_t size);

#endif
