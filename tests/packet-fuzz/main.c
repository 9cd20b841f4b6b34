// SPDX-License-Identifier: Apache-2.0
/* Random and mutated dialogues through the loaded sensor, held against a reference parser. */
#include "compare.h"
#include "generate.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct options {
    uint64_t seed, cases;
    unsigned int seconds, failures;
    const char *corpus, *save;
    bool verbose;
};

static struct pf_case current;
static struct pf_played played;
static struct pf_reading reading[2];
static struct pf_observed observed;
static struct pf_tally tally;

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool holds(enum pf_watch watch, char why[PF_WHY_MAX])
{
    return pf_compare(&current, &played, reading, watch, &observed, &tally, why);
}

static bool holds_http(char why[PF_WHY_MAX])
{
    char first[PF_WHY_MAX];
    uint32_t sure, count;

    pf_read_http(&played, current.tidy, UINT32_MAX, reading);
    if (holds(PF_WATCHED, why))
        return true;
    sure = reading[0].sure;
    count = reading[0].clean ? 0 : reading[0].count;
    /* The sensor may have stopped at any of the doubtful requests. */
    for (uint32_t n = sure; n < count; n++) {
        pf_read_http(&played, current.tidy, n, reading);
        if (holds(PF_WATCHED, first))
            return true;
    }
    pf_read_http(&played, current.tidy, UINT32_MAX, reading);
    return false;
}

/* 0: as it must be; 1: not, see why; -errno: the network failed. */
static int run_case(int tun, char why[PF_WHY_MAX])
{
    int r = pf_play(tun, &current, &played);

    if (!r)
        r = pf_sensor_collect(played.cookie, &observed);
    if (r)
        return r;
    tally.cases++;
    if (current.tls)
        return holds(pf_read_tls(&played, reading), why) ? 0 : 1;
    return holds_http(why) ? 0 : 1;
}

/* A device that has just come up drops packets until the kernel has noticed. */
static int wait_for_network(int tun)
{
    int r = -ETIMEDOUT;

    for (int i = 0; r && i < 500; i++) {
        pf_case_reset(&current, 0);
        pf_add_step(&current, PF_CLOSE, 0, 0, 0);
        current.target = PF_AGENT4;
        r = pf_play(tun, &current, &played);
        current.target = PF_AGENT6;
        if (!r)
            r = pf_play(tun, &current, &played);
        if (r)
            usleep(10000);
    }
    pf_sensor_collect(0, &observed);
    return r;
}

static void report(const struct options *options, const char *why)
{
    char path[PATH_MAX];
    FILE *to;

    printf("FAILED  seed %llu: %s\n", (unsigned long long)current.seed, why);
    snprintf(path, sizeof(path), "%s/%llu.case", options->save, (unsigned long long)current.seed);
    to = fopen(path, "we");
    if (!to) {
        printf("# cannot keep it in %s: %s\n", path, strerror(errno));
        to = stdout;
    }
    fprintf(to, "# %s\n", why);
    pf_print_facts(reading, &observed, to);
    pf_case_write(&current, to);
    if (to == stdout)
        return;
    fclose(to);
    printf("        reproducer: %s; again: --seed %llu --cases 1 or --corpus DIR\n", path,
           (unsigned long long)current.seed);
}

static int is_case(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 5 && !strcmp(entry->d_name + len - 5, ".case");
}

/* The kept failures of the past: each must be as it must. Returns how many were not. */
static int run_corpus(int tun, const struct options *options, unsigned int *passed)
{
    struct dirent **names = NULL;
    int failed = 0, n = scandir(options->corpus, &names, is_case, alphasort);

    for (int i = 0; i < n; i++) {
        char path[PATH_MAX], why[PF_WHY_MAX] = "cannot be read";
        FILE *from;
        int r = 1;

        snprintf(path, sizeof(path), "%s/%s", options->corpus, names[i]->d_name);
        from = fopen(path, "re");
        if (from && !pf_case_read(&current, from))
            r = run_case(tun, why);
        if (from)
            fclose(from);
        if (r) {
            printf("FAILED  %s: %s\n", names[i]->d_name, r < 0 ? strerror(-r) : why);
            pf_print_facts(reading, &observed, stdout);
            failed++;
        } else {
            (*passed)++;
        }
        free(names[i]);
    }
    free(names);
    return failed;
}

static int run_random(int tun, const struct options *options, unsigned int *failed)
{
    double end = now() + options->seconds;
    unsigned int left = options->failures;
    char why[PF_WHY_MAX];

    for (uint64_t i = 0; i < options->cases; i++) {
        int r;

        if (i % 64 == 0 && now() > end)
            break;
        pf_generate(&current, options->seed + i);
        r = run_case(tun, why);
        if (r < 0) {
            printf("FAILED  seed %llu: the test network: %s\n", (unsigned long long)current.seed,
                   strerror(-r));
            return r;
        }
        if (r) {
            report(options, why);
            ++*failed;
            if (!--left)
                break;
        }
    }
    return 0;
}

static int parse(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"seed", required_argument, NULL, 's'},     {"seconds", required_argument, NULL, 't'},
        {"cases", required_argument, NULL, 'n'},    {"corpus", required_argument, NULL, 'c'},
        {"failures", required_argument, NULL, 'f'}, {"save", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},           {0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (c) {
        case 's':
            options->seed = strtoull(optarg, NULL, 0);
            break;
        case 't':
            options->seconds = (unsigned int)strtoul(optarg, NULL, 0);
            break;
        case 'n':
            options->cases = strtoull(optarg, NULL, 0);
            break;
        case 'c':
            options->corpus = optarg;
            break;
        case 'f':
            options->failures = (unsigned int)strtoul(optarg, NULL, 0);
            break;
        case 'o':
            options->save = optarg;
            break;
        default:
            fprintf(stderr, "usage: packet-fuzz [--seed N] [--seconds N] [--cases N] [--corpus DIR]"
                            " [--failures N] [--save DIR]\n");
            return -EINVAL;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {
        .seed = 1, .cases = UINT64_MAX, .seconds = 20, .failures = 5, .save = "."};
    unsigned int passed = 0, failed = 0;
    double start;
    int tun, r;

    if (parse(argc, argv, &options))
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    r = pf_sensor_start();
    if (!r)
        r = pf_network_enter(&tun);
    if (!r)
        r = wait_for_network(tun);
    if (!r) {
        start = now();
        if (options.corpus)
            failed += (unsigned int)run_corpus(tun, &options, &passed);
        r = run_random(tun, &options, &failed);
        start = now() - start;
        printf("%llu cases (%.0f/s): %llu exact, %llu doubtful or malformed, %llu with a gap, "
               "%llu not watched; %llu facts, %llu dropped\n",
               (unsigned long long)tally.cases, (double)tally.cases / start,
               (unsigned long long)tally.exact, (unsigned long long)tally.doubtful,
               (unsigned long long)tally.gaps, (unsigned long long)tally.unwatched,
               (unsigned long long)tally.facts, (unsigned long long)pf_sensor_dropped());
    }
    pf_sensor_stop();
    if (r < 0)
        failed++;
    printf("%llu passed, %u failed\n",
           (unsigned long long)(tally.cases > failed ? tally.cases - failed : 0), failed);
    return failed || !tally.cases ? 1 : 0;
}
