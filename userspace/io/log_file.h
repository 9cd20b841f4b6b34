/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only event log: lines into a file, or to standard output. It never stops its caller
 * and never fails it: lines wait in a bounded buffer, are written when the loop calls flush, and
 * what the buffer has no room for is counted as lost. A full disk, a slow or vanished reader
 * therefore costs lines, and never half of one: a line of which a part is out is completed first,
 * or taken back from a regular file that is closed or left behind.
 *
 * A regular file is created with mode 0600; a symbolic link at its path is refused. When it would
 * exceed max_bytes it becomes PATH.1 (replacing an older one) and a new PATH begins: at most
 * twice max_bytes on disk.
 */
#ifndef CS_IO_LOG_FILE_H
#define CS_IO_LOG_FILE_H

#include <stddef.h>
#include <stdint.h>

#define CS_LOG_FILE_BUFFER    (64u << 10) /* bytes that may wait */
#define CS_LOG_FILE_BYTES_MIN (64u << 10) /* the least max_bytes */

struct cs_log_file;

/* path "-": standard output. max_bytes 0: no rotation. 0, -ELOOP (a symbolic link), -EISDIR or
 * another -errno; *log is untouched on failure. */
int cs_log_file_open(const char *path, uint64_t max_bytes, struct cs_log_file **log);

/* Accepts NULL. Writes what can be written at once. */
void cs_log_file_close(struct cs_log_file *log);

/* Append one line; the line feed is added. Never waits. */
void cs_log_file_add(struct cs_log_file *log, const char *line, size_t len);

/* Write what waits: call at the end of each turn of the loop. 0, or -errno of the first failure
 * in a row (later calls return 0 until it has worked again), so that each is reported once. */
int cs_log_file_flush(struct cs_log_file *log);

/* Open the path anew: for SIGHUP, after another program has moved the file. Standard output stays
 * as it is. On failure the old file is kept and -errno returned. */
int cs_log_file_reopen(struct cs_log_file *log);

struct cs_log_file_stats {
    uint64_t lines; /* accepted */
    uint64_t lost;  /* not accepted, or accepted and then given up */
    uint64_t bytes; /* written */
    uint64_t errors;
    uint64_t rotations;
    size_t waiting; /* bytes */
};

struct cs_log_file_stats cs_log_file_stats(const struct cs_log_file *log);

#endif
