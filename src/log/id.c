/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MESSAGE_ID of each kind of entry; systemd/ipmodd.catalog explains the same numbers. */
#include "ipmodd/base/macro.h"
#include "ipmodd/log/log.h"

#include <assert.h>

static const char *const texts[] = {
    [LOG_ID_STARTED] = "3b588e3578154ba7846d3ab81ad9cf73",
    [LOG_ID_STOPPED] = "42be7908341a434d94c711ed238840f0",
    [LOG_ID_STOP_INCOMPLETE] = "fc57b2cce90d483094ca4b220694b67c",
    [LOG_ID_RELOADED] = "2694f15a11154f70bc01c5f41ef62ecb",
    [LOG_ID_RELOAD_REFUSED] = "57fce2a2ffa94639b62ca82ef7cdde88",
    [LOG_ID_CONFIG_PROBLEM] = "bdeaf2d8ae524ed4af09067721495d4f",
    [LOG_ID_START_FAILED] = "d4ab2b274a9c456db7558adba13da0df",
    [LOG_ID_RULE_LOG] = "c0e6e52e42ed4255b9e54678765694fe",
    [LOG_ID_STATISTICS] = "b9103b24bef0488ea0e64acb2916df4a",
    [LOG_ID_ROUTING_REPAIRED] = "a86ea72d1e9747d88024cfc449cecbaf",
    [LOG_ID_ROUTING_INCOMPLETE] = "f8af78b87ccb4db4bbd98bb5d79032e7",
    [LOG_ID_TUN_LOST] = "d1046cc8637c4084987f7815145b379d",
    [LOG_ID_TUN_RESTORED] = "08805dbd7e57467cb7fbf268b12ca97d",
    [LOG_ID_LOOP_FOUND] = "e01697cb0dc84636ac2780f1ccf5abd8",
    [LOG_ID_EVENTS_LOST] = "6d0c3d2219a241c1822c091b8e539423",
    [LOG_ID_FOREIGN_RULES] = "5b8e0f43a1b04c6f9d5ce2b1a47c3f10",
    [LOG_ID_GUARDS_MOVED] = "b57403079476449f83a958854d7b672b",
    [LOG_ID_TUN_OVERRUN] = "249fc121bc694a5caeae6883c3e7648e",
    [LOG_ID_MALFORMED] = "5a2c90317f9148358cd14611d400d973",
    [LOG_ID_CAPTURE_LOST] = "28ffa9025917494f9f6f2d992e247dbd",
    [LOG_ID_OFFLOAD_GIVEN_UP] = "83c3a0ee1873448fbf9d60d37f538b8e",
    [LOG_ID_FOREIGN_NETFILTER] = "9a1f6c0b7d2e4f3f8b60c5d4e13a7782",
    [LOG_ID_NETFILTER_UNSEEN] = "c7d20b5e94f1463eae8127f05b6d9c34",
    [LOG_ID_XFRM] = "4f82d7a1e60b4c95937c1ab8d20e6f43",
    [LOG_ID_FORWARDING] = "7ab0c2e1fe734a0ba9b3c50a932ba97f",
    [LOG_ID_INTERFACES] = "c5e3b8f2a94d47d18be6630f1d7c2a98",
    [LOG_ID_RPS] = "5f63fd95609e489989de74843db1fe85",
    [LOG_ID_CONTROL_UNSERVED] = "d1f0a6c2b94e4c7d8a35e7206bf41c98",
    [LOG_ID_CONNTRACK] = "0e6b93d8c54a47d1b2f7a8069c1de5fb",
    [LOG_ID_CONFIRMED] = "8e0afe9154684aecb8d2c76f6d4d2c43",
    [LOG_ID_UNCONFIRMED] = "7ad4ab65aa374272af098d755ee3e0d0",
    [LOG_ID_ROLLED_BACK] = "b5203b2df8c74fef996fc21b7a48e2f8",
    [LOG_ID_RULE_SWITCHED] = "bf12aaf2d7d145378bd4255beed6c00c",
    [LOG_ID_COUNTERS_RESET] = "236ceaf307f8495588997b498c7bbb9f",
    [LOG_ID_FLOWS_FLUSHED] = "c2d238b162434d32ac2db1caedcc99e4",
    [LOG_ID_REMARKS_LEFT_OUT] = "10849d1e5f9b4fb8b18bd6bf3f893f30",
};
static_assert(ARRAY_SIZE(texts) == LOG_ID_COUNT, "every kind of entry has its MESSAGE_ID");

const char *log_id_text(enum log_id id)
{
    assert(id < LOG_ID_COUNT);
    return texts[id];
}
