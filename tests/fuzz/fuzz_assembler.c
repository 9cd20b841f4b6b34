// SPDX-License-Identifier: Apache-2.0
/*
 * Valid facts of four sockets in any order, some lost, late or twice. Oracles: the accounting
 * identity holds after every fact; no request is handed over twice, and each of a socket whose
 * facts all came in order exactly once; exchange numbers are never given twice; at the end nothing
 * is left. Every exchange goes through classification and the event line.
 *
 * Three bytes an operation: what (5 bits), whose (2 bits), whether something happens to it (1 bit);
 * an argument; milliseconds that pass.
 */
#include "../unit/core/facts/facts.h"

#include "base/util.h"
#include "core/classify/classify.h"
#include "core/classify/watchlist.h"
#include "core/report/event_json.h"
#include "core/waiting/in_flight.h"

#define REQUESTS_MAX    1024
#define CONNECTIONS_MAX 512
#define INDEXES_MAX     128
#define ORDER_MAX       64

/* One generation of one socket as the input made it. */
struct life {
    bool clean; /* every fact was fed, once and in order */
    bool open;
    bool hidden; /* a gap, or a tunnel: which answer is whose can't be told */
    unsigned int sent, answered;
    uint16_t numbers[ORDER_MAX]; /* of its requests, in order */
    uint64_t indexes[INDEXES_MAX / 64];
};

struct run {
    struct script script;
    struct life lives[CONNECTIONS_MAX];
    unsigned int current[4]; /* index of lives; 0: none yet */
    unsigned int life_count;
    unsigned int request_count;
    unsigned int request_life[REQUESTS_MAX];
    uint16_t status[REQUESTS_MAX]; /* of its answer */
    uint8_t delivered[REQUESTS_MAX];
};

static struct cs_watchlist watchlist;

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_exchange(const struct cs_exchange *exchange, void *user)
{
    struct run *run = user;
    struct cs_evidence evidence = {.exchange = exchange,
                                   .watchlist = &watchlist,
                                   .token_open_ns = exchange->start_ns / 2,
                                   .token_mechanism = CS_MECHANISM_IRSA};
    static const struct cs_subject subject;
    static const struct cs_event_context context = {.node = "n", .run_id = "r"};
    char line[CS_EVENT_JSON_MAX];
    struct cs_verdict verdict;
    unsigned int life, number;

    cs_classify(&evidence, &verdict);
    require(verdict.mechanism < CS_MECHANISM_END && verdict.outcome < CS_OUTCOME_END);
    require(cs_event_json_exchange(line, sizeof(line), &context, exchange, &verdict, &subject,
                                   NULL) > 0);
    require(exchange->outcome < CS_OUTCOME_END);
    life = exchange->connection->id.generation;
    require(life < CONNECTIONS_MAX && exchange->connection->id.cookie > 0);
    if (exchange->index < INDEXES_MAX) {
        uint64_t *word = &run->lives[life].indexes[exchange->index / 64];

        require(!(*word >> (exchange->index % 64) & 1));
        *word |= UINT64_C(1) << (exchange->index % 64);
    }
    if (sscanf(exchange->path, "/%u", &number) == 1 && number < REQUESTS_MAX) {
        require(number < run->request_count && run->request_life[number] == life);
        require(run->delivered[number]++ == 0);
        if (exchange->status && run->lives[life].clean && !run->lives[life].hidden)
            require(exchange->status == run->status[number]);
    }
}

static void check_accounts(const struct run *run)
{
    const struct cs_assembler_stats *stats = cs_assembler_stats(run->script.assembler);
    uint64_t total = stats->observed + stats->open;

    for (unsigned int i = 0; i < CS_LOSS_END; i++)
        total += stats->lost[i];
    require(total == stats->connections);
}

/* The word of an operation; a request is numbered so that its exchange is known again. */
static void make_word(struct run *run, unsigned int what, unsigned int argument, char *word,
                      size_t size)
{
    static const char *const words[] = {"est",
                                        "failed.refused",
                                        "failed.givenup",
                                        "gap.in",
                                        "gap.out",
                                        "close.local",
                                        "close.rst",
                                        "close.remote",
                                        "close.timeout",
                                        "hello",
                                        "hello.h2",
                                        "hello.psk",
                                        "shello13",
                                        "shello12",
                                        "shello.retry",
                                        "c>20:1",
                                        "c<20:1",
                                        "c>22:40",
                                        "c<22:40",
                                        "c<21:2",
                                        "icept.node:2579",
                                        "icept.pod:8000",
                                        "tunnel:sts.amazonaws.com:443",
                                        "resp:100"};
    static const unsigned int lengths[] = {19, 26, 53, 69, 81, 250, 330, 1330};

    if (what < CS_ARRAY_SIZE(words))
        snprintf(word, size, "%s", words[what]);
    else if (what < 27)
        snprintf(word, size, "req:GET,/%u", run->request_count);
    else if (what < 29)
        snprintf(word, size, "resp:%u", 200 + argument);
    else
        snprintf(word, size, "%c%u", argument & 8 ? '<' : '>', lengths[argument & 7]);
}

/* Keep which answer belongs to which request. False when the input is too long to. */
static bool note(struct run *run, struct life *life, const union raw_fact *raw)
{
    const struct cs_fact_response *response = (const void *)raw->bytes;

    switch (raw->header.type) {
    case CS_FACT_REQUEST:
        if (run->request_count + 1 >= REQUESTS_MAX || life->sent >= ORDER_MAX)
            return false;
        life->numbers[life->sent++] = (uint16_t)run->request_count;
        run->request_life[run->request_count++] = (unsigned int)(life - run->lives);
        break;
    case CS_FACT_RESPONSE:
        if (response->status >= 200 && life->answered < life->sent)
            run->status[life->numbers[life->answered++]] = response->status;
        break;
    case CS_FACT_GAP:
    case CS_FACT_TUNNEL:
        life->hidden = true;
        break;
    case CS_FACT_CLOSE:
    case CS_FACT_CONNECT_FAILED:
        life->open = false;
        break;
    default:
        break;
    }
    return true;
}

static void count_feed(struct run *run, const union raw_fact *raw)
{
    struct cs_fact fact;

    require(cs_fact_decode(raw->bytes, sizeof(raw->bytes), &fact) == CS_FACT_OK);
    require(cs_assembler_feed(run->script.assembler, &fact) == 0);
    check_accounts(run);
}

static void begin(struct run *run, unsigned int socket, unsigned int argument)
{
    static const char *const kinds[] = {"", ".tls", ".proxy", ""};
    const struct cs_assembler_stats *stats = cs_assembler_stats(run->script.assembler);
    union raw_fact raw = {.bytes = {0}};
    uint64_t refused = stats->lost[CS_LOSS_TABLE_FULL];
    struct life *life;

    if (run->life_count + 1 >= CONNECTIONS_MAX)
        return;
    run->current[socket] = ++run->life_count;
    life = &run->lives[run->life_count];
    run->script.seq[socket] = 1;
    raw.header.time_ns = run->script.now_ns;
    raw.header.cookie = socket + 1;
    raw.header.generation = run->life_count;
    raw_connect(&raw, kinds[argument & 3]);
    life->open = true;
    if (argument & 16)
        return; /* lost */
    count_feed(run, &raw);
    life->clean = stats->lost[CS_LOSS_TABLE_FULL] == refused;
}

static void operate(struct run *run, const uint8_t *op)
{
    unsigned int what = op[0] & 31, socket = op[0] >> 5 & 3, argument = op[1];
    struct life *life = &run->lives[run->current[socket]];
    union raw_fact raw = {.bytes = {0}};
    char word[64];
    bool lost = false, late = false;

    run->script.now_ns += op[2] * MS;
    if (what == 31) {
        begin(run, socket, argument);
        return;
    }
    if (what == 30) {
        cs_assembler_tick(run->script.assembler, run->script.now_ns += argument * 10 * MS);
        check_accounts(run);
        return;
    }
    if (!life->open)
        return;
    make_word(run, what, argument, word, sizeof(word));
    if (op[0] & 128) {
        lost = argument % 3 == 0;
        late = argument % 3 == 1;
        life->clean = life->clean && !lost && !late;
    }
    raw.header.time_ns = run->script.now_ns;
    raw.header.cookie = socket + 1;
    raw.header.generation = run->current[socket];
    raw.header.seq = run->script.seq[socket]++;
    raw_fact_of(&raw, word);
    if (!note(run, life, &raw))
        return;
    if (late && !run->script.has_late) {
        memcpy(run->script.late, raw.bytes, sizeof(run->script.late));
        run->script.has_late = true;
        return;
    }
    if (!lost)
        count_feed(run, &raw);
    if (op[0] & 128 && argument % 3 == 2)
        count_feed(run, &raw); /* twice */
    if (run->script.has_late) {
        memcpy(raw.bytes, run->script.late, sizeof(run->script.late));
        run->script.has_late = false;
        count_feed(run, &raw);
    }
}

static enum cs_mechanism identify(void *user, const struct cs_exchange *exchange,
                                  struct cs_subject *subject)
{
    const struct cs_evidence evidence = {.exchange = exchange, .watchlist = user};
    struct cs_verdict verdict;

    (void)subject;
    cs_classify(&evidence, &verdict);
    return verdict.mechanism;
}

static void check_end(struct run *run)
{
    struct cs_assembler *assembler = run->script.assembler;
    struct cs_in_flight in_flight;

    cs_in_flight_collect(assembler, identify, &watchlist, &in_flight);
    run->script.now_ns += UINT64_C(4000000) * MS;
    cs_assembler_tick(assembler, run->script.now_ns);
    cs_assembler_tick(assembler, run->script.now_ns + UINT64_C(4000000) * MS);
    check_accounts(run);
    require(cs_assembler_stats(assembler)->open == 0);
    require(cs_assembler_stats(assembler)->requests_in_flight == 0);
    require(cs_assembler_deadline(assembler) == UINT64_MAX);
    for (unsigned int i = 0; i < run->request_count; i++)
        require(run->delivered[i] == 1 || !run->lives[run->request_life[i]].clean);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;
    struct cs_assembler_options options = {
        .connections_max = 3, .requests_max = 8, .sink = check_exchange, .user = &run};

    if (watchlist.address_count == 0)
        cs_watchlist_init(&watchlist);
    memset(&run, 0, sizeof(run));
    run.script.assembler = cs_assembler_new(&options);
    require(run.script.assembler);
    for (; size >= 3; data += 3, size -= 3)
        operate(&run, data);
    check_end(&run);
    cs_assembler_free(run.script.assembler);
    return 0;
}
