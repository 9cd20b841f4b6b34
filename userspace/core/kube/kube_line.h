/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watch's answer: one JSON event a line (the API server puts a newline behind each event and
 * none within; chunks and events have nothing to do with each other). Lines are assembled in
 * bounded memory; one that is too long is dropped up to its newline.
 */
#ifndef CS_CORE_KUBE_LINE_H
#define CS_CORE_KUBE_LINE_H

#include "base/buffer.h"
#include "core/kube/kube_json.h"
#include "core/kube/kube_list.h"

/* What an event has around its object. */
#define CS_KUBE_EVENT_OVERHEAD_MAX 1024u

enum cs_kube_type {
    CS_KUBE_TYPE_UNKNOWN,
    CS_KUBE_TYPE_ADDED,
    CS_KUBE_TYPE_MODIFIED,
    CS_KUBE_TYPE_DELETED,
    CS_KUBE_TYPE_BOOKMARK,
    CS_KUBE_TYPE_ERROR,
};

/* One event, its text checked. */
struct cs_kube_line {
    enum cs_kube_type type;
    struct cs_slice object;                     /* of the line; an object, with its braces */
    char resource_version[CS_KUBE_VERSION_MAX]; /* object.metadata.resourceVersion; "" absent */
    uint32_t code;                              /* object.code, of an ERROR's Status; 0 absent */
};

/* Parse a line. 0; or -EBADMSG, and *why says why it is to be skipped: not one well-formed object
 * with exactly one type and one object, which is an object. */
int cs_kube_line_parse(struct cs_slice line, struct cs_kube_line *event, enum cs_kube_skip *why);

struct cs_kube_lines {
    struct cs_buffer line; /* the part of a line that has come in */
    bool too_long;         /* it is being dropped */
    bool whole;            /* private: the line was handed out */
};

void cs_kube_lines_init(struct cs_kube_lines *lines, size_t line_bytes_max);
void cs_kube_lines_free(struct cs_kube_lines *lines);

enum cs_kube_lines_result { CS_KUBE_LINES_MORE, CS_KUBE_LINES_LINE, CS_KUBE_LINES_TOO_LONG };

/* The line that was handed out is not needed any more: it is wiped. */
void cs_kube_lines_done(struct cs_kube_lines *lines);

/* Take bytes up to the next newline; *used says how many. LINE: *line is a whole line without its
 * newline, valid until the next call. TOO_LONG: the newline of a dropped line was found. MORE: the
 * bytes are used up. */
enum cs_kube_lines_result cs_kube_lines_next(struct cs_kube_lines *lines, const char *bytes,
                                             size_t n, size_t *used, struct cs_slice *line);

/* The stream has ended: forget what came in of a line. Was there any? */
bool cs_kube_lines_finish(struct cs_kube_lines *lines);

#endif
