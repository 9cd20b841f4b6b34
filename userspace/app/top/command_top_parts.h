/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of `top` share. */
#ifndef CS_APP_COMMAND_TOP_PARTS_H
#define CS_APP_COMMAND_TOP_PARTS_H

#include "app/config/config.h"
#include "app/top/command_top_layout.h"
#include "io/http_client.h"

#include <stdbool.h>
#include <stdint.h>

#define CS_TOP_WHY_MAX 512

struct cs_top {
    /* options */
    struct cs_listen api;
    char namespace[CS_NAME_MAX];
    bool once, json;
    uint64_t interval_ns;

    struct cs_http_client *client;
    char target[32 + 3 * CS_NAME_MAX];
    struct cs_top_model model;
    struct cs_top_view view;
};

/* Ask, and wait for the answer. 0, or -errno with why in words. *body is valid until the next. */
int cs_top_ask(struct cs_top *top, const struct cs_buffer **body, char why[CS_TOP_WHY_MAX]);

/* Take over an answer that has come: the same results. */
int cs_top_take(struct cs_top *top, const struct cs_http_answer *answer, char why[CS_TOP_WHY_MAX]);

/* The live table, until it is ended; the model has its first document. The exit status. */
int cs_top_live(struct cs_top *top);

#endif
