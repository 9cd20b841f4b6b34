/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.x head or chunk-coded body, read whole. Pure. */
#ifndef PF_REFERENCE_HEAD_H
#define PF_REFERENCE_HEAD_H

#include "reference.h"

enum pf_state {
    PF_COMPLETE,
    PF_INCOMPLETE, /* the stream ends within */
    PF_MALFORMED,
};

enum pf_framing {
    PF_LENGTH, /* length bytes, perhaps 0 */
    PF_CHUNKED,
    PF_TO_END,   /* until the connection ends */
    PF_UNFRAMED, /* contradictory: nothing can be said behind the head */
};

struct pf_head {
    enum pf_state state;
    bool doubtful;
    enum pf_framing framing;
    uint32_t end; /* offset behind the head */
    bool is_head, is_connect;
    uint64_t body; /* with PF_LENGTH: bytes that follow */
    struct pf_fact fact;
};

/* A head that starts at start (its first byte is neither CR nor LF). */
struct pf_head pf_read_head(const struct pf_stream *stream, uint32_t start, bool request);

/* A chunked body from start; *end is set to the offset behind its trailers when complete. */
enum pf_state pf_read_chunks(const struct pf_stream *stream, uint32_t start, uint32_t *end,
                             bool *doubtful);

/* A request target's text after cutting; sets *cut when something went, *loose when RFC 3986 does
 * not say where its parts are. to holds len bytes at least. Returns the length. */
uint32_t pf_cut_target(const uint8_t *target, uint32_t len, uint8_t *to, bool *cut, bool *loose);

#endif
