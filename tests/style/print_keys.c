/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key of the configuration as "SECTION KEY", from the tables that the daemon reads by. */
#include "observe_key.h"
#include "set_section.h"
#include "setting.h"

int main(void)
{
    for (size_t i = 0; i < SETTING_GROUPS; i++) {
        const struct setting_group *group = setting_groups[i];

        for (size_t j = 0; j < group->count; j++)
            printf("%s %s\n", group->section, group->settings[j].key);
    }
    for (size_t i = 0; set_section_key(i) != NULL; i++)
        printf("set %s\n", set_section_key(i));
    for (size_t i = 0; i < match_type_count; i++)
        printf("rule %s\n", match_types[i]->key);
    for (size_t i = 0; i < action_type_count; i++)
        printf("rule %s\n", action_types[i]->key);
    for (size_t i = 0; i < observe_key_count; i++)
        printf("rule %s\n", observe_keys[i].key);
    return 0;
}
