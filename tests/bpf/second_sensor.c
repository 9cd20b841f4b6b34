// SPDX-License-Identifier: Apache-2.0
#include "second_sensor.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int sub_cgroup_fd(const char *name)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", harness.cgroup, name);
    mkdir(path, 0755);
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

struct cs_sensor *second_sensor(const char *cgroup, uint32_t ring_bytes)
{
    struct cs_sensor_config config = {
        .watch = &harness.watch,
        .ring_bytes = ring_bytes,
        .no_token_opens = true,
        .no_cgroup_events = true,
    };
    struct cs_sensor *sensor = NULL;
    struct cs_sensor_error error;
    int fd = sub_cgroup_fd(cgroup);

    if (cs_sensor_open(&config, &sensor, &error) || cs_sensor_attach(sensor, fd, &error)) {
        fprintf(stderr, "second sensor: %s\n", error.text);
        cs_sensor_free(sensor);
        sensor = NULL;
    }
    close(fd);
    return sensor;
}
