/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file in which the state outlives the process: state.json in a directory of its own, which
 * one process at a time may hold (flock(2) on the directory: it goes with the process, however
 * that ends). A reader finds the document of one save or of the one before, whole: it is written
 * as state.json.tmp, synced, renamed, and the directory synced.
 *
 * A sync may take as long as the disk likes, for ever on a dead network file system. So it is a
 * child process that saves: a fork with no descriptor but the directory's, which ends with its
 * parent. Who made this waits for nothing but cs_state_file_wait; and to open is safe after
 * cs_state_file_probe.
 */
#ifndef CS_IO_STATE_FILE_H
#define CS_IO_STATE_FILE_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CS_STATE_FILE_NAME    "state.json"
#define CS_STATE_FILE_CORRUPT CS_STATE_FILE_NAME ".corrupt"
#define CS_STATE_FILE_FOREIGN CS_STATE_FILE_NAME ".other-node"

struct cs_state_file;

/*
 * Does the directory answer? A child process makes and opens it as cs_state_file_open would, and
 * looks at the file: a dead network file system holds that child and not the caller, who waits at
 * most timeout_ns. *child is 0 at first, and that process while it goes on. 0, -EAGAIN (not yet:
 * call again with the same *child) or why the directory can't be had.
 */
int cs_state_file_probe(const char *directory, pid_t *child, uint64_t timeout_ns);

/*
 * Take the directory, an absolute path; it and its parents are made (0700) when missing, and what
 * a killed writer has left is removed. 0, -EBUSY (another process holds it), -ENOTDIR,
 * -EROFS, -ENOMEM or another -errno; *file is untouched on failure.
 */
int cs_state_file_open(const char *directory, struct cs_state_file **file);

/* Accepts NULL. A save under way is ended, and the file stays as it was. */
void cs_state_file_close(struct cs_state_file *file);

/* Append all of the file to the buffer. 0, -ENOENT (none was saved), -ELOOP (a symbolic link),
 * -EINVAL (no regular file), -EFBIG (more than the buffer may hold), -ENOMEM, or another -errno. */
int cs_state_file_read(const struct cs_state_file *file, struct cs_buffer *buffer);

/* Rename what is there, whatever it is, to CS_STATE_FILE_CORRUPT or _FOREIGN, replacing an older
 * one. 0 or -errno. */
int cs_state_file_set_aside(const struct cs_state_file *file, const char *name);

/* Begin to save, mode 0600. 0, -EAGAIN (the one before goes on) or -errno (no process). */
int cs_state_file_save(struct cs_state_file *file, const char *data, size_t len);

/* -EAGAIN: the save goes on. Otherwise what came of it, once: 0, or -errno (the file is the one
 * from before). 0 when none was begun. */
int cs_state_file_poll(struct cs_state_file *file);

/* The same after the save has ended, or at most timeout_ns later. */
int cs_state_file_wait(struct cs_state_file *file, uint64_t timeout_ns);

/* What the child does, in this process: waits for the disk. 0 or -errno. */
int cs_state_file_write(const struct cs_state_file *file, const char *data, size_t len);

#endif
