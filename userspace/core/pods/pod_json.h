/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one pod's JSON (core/v1 Pod) into a record of allow-listed fields. The parser's memory is
 * bounded, and wiped before the call returns, success or not: of env values, annotations and all
 * else that is not allow-listed no copy remains.
 *
 * An absent or null field is not known; an optional one of a wrong type is ignored and counted in
 * the record's odd. A pod without a usable uid, name or namespace, or with two of a field that is
 * read, is refused: it could be named wrong.
 *
 * Not thread-safe: cJSON's allocator is global, and set to the call's own for its duration.
 */
#ifndef CS_CORE_POD_JSON_H
#define CS_CORE_POD_JSON_H

#include "base/util.h"
#include "core/pods/pod.h"

enum cs_pod_error {
    CS_POD_OK,
    CS_POD_TOO_LARGE,   /* over CS_KUBE_POD_BYTES_MAX */
    CS_POD_NOT_JSON,    /* or nested deeper than cJSON goes (1000) */
    CS_POD_TOO_COMPLEX, /* its tree is over CS_POD_TREE_MAX bytes, or too many containers */
    CS_POD_NOT_A_POD,   /* no object, or of another kind */
    CS_POD_NO_NAME,     /* uid, name or namespace absent, of a wrong type, empty or too long */
    CS_POD_BAD_UTF8,    /* somewhere in the text */
    CS_POD_DUPLICATE,   /* a field that is read is there twice */
    CS_POD_NO_MEMORY,
    CS_POD_ERROR_END,
};

const char *cs_pod_error_name(enum cs_pod_error error);

#define CS_POD_TREE_MAX ((size_t)8 << 20)

/* On CS_POD_OK *pod is the caller's, to free with free(). Otherwise it is untouched. */
enum cs_pod_error cs_pod_read(struct cs_slice json, struct cs_pod **pod);

#endif
