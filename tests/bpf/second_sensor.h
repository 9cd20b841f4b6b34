/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor beside the one that all tests share. */
#ifndef CS_TESTS_SECOND_SENSOR_H
#define CS_TESTS_SECOND_SENSOR_H

#include "harness.h"

/* Descriptor of a sub-cgroup's directory, made where it isn't there; "" = the tests' own. */
int sub_cgroup_fd(const char *name);

/* Open, attached to a sub-cgroup, sockets only; NULL after an error message. */
struct cs_sensor *second_sensor(const char *cgroup, uint32_t ring_bytes);

#endif
