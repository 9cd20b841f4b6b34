/* SPDX-License-Identifier: Apache-2.0 */
#include "io/kube_client_internal.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHUNK        ((size_t)64 * 1024)
#define CHUNKS_A_RUN 4 /* then the rest of the program has its turn */
#define LOOK_NS      (2 * CS_NSEC_PER_SEC)

void cs_kube_file_open(struct cs_kube_client *client, const struct cs_kube_client_options *options,
                       uint64_t seed)
{
    struct cs_kube_file *file = &client->file;
    const struct cs_kube_watch_options *watch = &options->watch;

    if (watch->pod_bytes_max == 0)
        watch = &CS_KUBE_WATCH_DEFAULTS;
    file->every_ns = options->file_ns ? options->file_ns : LOOK_NS;
    cs_kube_list_init(&file->list, &client->report, watch->pod_bytes_max);
    cs_kube_backoff_init(&file->backoff, watch->backoff_min_ns, watch->backoff_max_ns, seed);
}

void cs_kube_file_close(struct cs_kube_client *client)
{
    cs_close_fd(&client->file.fd);
    cs_kube_list_free(&client->file.list);
}

static void ended(struct cs_kube_client *client, enum cs_kube_failure failure)
{
    struct cs_kube_file *file = &client->file;
    int error = cs_kube_list_finish(&file->list);

    cs_close_fd(&file->fd);
    if (failure == CS_KUBE_FAILURE_NONE && error < 0)
        failure = CS_KUBE_FAILURE_PROTOCOL;
    file->failed = failure != CS_KUBE_FAILURE_NONE;
    if (file->failed) {
        cs_kube_report_failed(&client->report, client->now, failure);
        file->due = client->now + cs_kube_backoff_next(&file->backoff);
        return;
    }
    cs_kube_report_connected(&client->report);
    cs_kube_report_list_end(&client->report, client->now);
    cs_kube_backoff_reset(&file->backoff);
    file->due = client->now + file->every_ns;
}

static void unreadable(struct cs_kube_client *client)
{
    struct cs_kube_file *file = &client->file;

    file->failed = true;
    cs_kube_report_failed(&client->report, client->now, CS_KUBE_FAILURE_FILE);
    file->due = client->now + cs_kube_backoff_next(&file->backoff);
}

/* Open the file if it is to be read. */
static void look(struct cs_kube_client *client)
{
    struct cs_kube_file *file = &client->file;
    _cleanup_close_ int fd = open(client->file_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct cs_kube_file_id id;
    struct stat stat;

    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode)) {
        unreadable(client);
        return;
    }
    cs_kube_file_id_of(&stat, &id);
    if (client->report.stats.lists > 0 && !file->failed && cs_kube_file_id_equal(&id, &file->id)) {
        cs_kube_report_heard(&client->report, client->now);
        file->due = client->now + file->every_ns;
        return;
    }
    file->id = id;
    file->fd = TAKE_FD(fd);
    cs_kube_list_reset(&file->list);
    client->report.stats.lists++;
    cs_kube_report_list_begin(&client->report);
}

static void read_some(struct cs_kube_client *client)
{
    struct cs_kube_file *file = &client->file;
    char chunk[CHUNK];

    for (int i = 0; i < CHUNKS_A_RUN && file->fd >= 0; i++) {
        ssize_t n = read(file->fd, chunk, sizeof(chunk));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            ended(client, CS_KUBE_FAILURE_FILE);
        } else if (n == 0) {
            ended(client, CS_KUBE_FAILURE_NONE);
        } else {
            client->report.stats.bytes += (uint64_t)n;
            if (!cs_kube_list_feed(&file->list, chunk, (size_t)n))
                ended(client, CS_KUBE_FAILURE_NONE);
        }
    }
    explicit_bzero(chunk, sizeof(chunk)); /* pods' env values are in it */
}

void cs_kube_file_run(struct cs_kube_client *client)
{
    if (client->file.fd < 0 && client->now >= client->file.due)
        look(client);
    if (client->file.fd >= 0)
        read_some(client);
}
