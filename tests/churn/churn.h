/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast half of the churn test: pods that live about a second. `serve` answers in every pod's
 * network namespace, `spawn` makes cgroups and processes as planned and removes them, `client` is
 * the process of a pod. tests/churn/main.py drives it.
 */
#ifndef TESTS_CHURN_H
#define TESTS_CHURN_H

#include <stddef.h>
#include <stdint.h>

#define CHURN_AGENT4 "169.254.170.23"
#define CHURN_AGENT6 "fd00:ec2::23"
#define CHURN_IMDS4  "169.254.169.254"

/* churn serve FD...: FDs are network namespaces. Says "ready" on stdout, ends with its stdin. */
int churn_serve(int argc, char **argv);

/*
 * churn spawn T0-NS CGROUP-DIRECTORY TRUTH-FD: stdin has a line a pod, in the order of their
 * starts, "START-MS LIFE-MS NETNS-FD ADDRESS POD SCRIPT CGROUP"; times are from T0
 * (CLOCK_MONOTONIC). Ends when the last pod's cgroup is gone; exit status 1 if a pod failed.
 */
int churn_spawn(int argc, char **argv);

/*
 * churn client START-NS END-NS TRUTH-FD ADDRESS POD SCRIPT: make the script's requests from that
 * source address, write a line of truth for each, and end at END-NS. Of the script each letter is a
 * step:
 *   a  agent, IPv4              b  agent, IPv6           i  role credentials from IMDS
 *   t  IMDSv2 token             k  two requests to the agent on one connection
 *   r  a refused connection     x  ask, and go without waiting for the answer
 *   .  wait until 50 ms before the end
 */
int churn_client(int argc, char **argv);

uint64_t churn_now_ns(void);
void churn_sleep_until(uint64_t ns);
/* Print what failed with errno, and exit 1. */
void churn_fail(const char *what) __attribute__((noreturn));

#endif
