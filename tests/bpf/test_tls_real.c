// SPDX-License-Identifier: Apache-2.0
/*
 * Real TLS by OpenSSL, both ends in this process: what one end writes goes through the sockets,
 * cut or whole, and then to the other end. The same bytes go to a reference that splits records,
 * and OpenSSL itself says what was negotiated; the sensor must agree with both.
 */
#include "harness.h"
#include "tls_traffic.h"
#include "transcript.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM_MAX (1 << 20)
#define ROUNDS_MAX 64

struct stream {
    size_t len;
    uint8_t bytes[STREAM_MAX];
};

struct ends {
    SSL *client;
    SSL *server;
    struct pair pair;
    size_t cut;
    struct stream out; /* client to server */
    struct stream in;
};

static SSL_CTX *client_context, *server_context;
static void use_certificate(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();

    assert_non_null(key);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)TLS_NAME, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static int make_contexts(void **state)
{
    (void)state;
    client_context = SSL_CTX_new(TLS_client_method());
    server_context = SSL_CTX_new(TLS_server_method());
    if (!client_context || !server_context)
        return -1;
    SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_set_session_id_context(server_context, (const unsigned char *)"t", 1);
    use_certificate(server_context);
    return 0;
}

static int free_contexts(void **state)
{
    (void)state;
    SSL_CTX_free(client_context);
    SSL_CTX_free(server_context);
    return 0;
}

static SSL *end_new(SSL_CTX *context, int version)
{
    SSL *ssl = SSL_new(context);

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_min_proto_version(ssl, version);
    SSL_set_max_proto_version(ssl, version);
    return ssl;
}

static struct ends *ends_new(int version, SSL_SESSION *session, size_t cut)
{
    struct ends *ends = calloc(1, sizeof(*ends));
    static const uint8_t alpn[] = "\x02h2\x08http/1.1";

    ends->cut = cut;
    ends->pair = traffic_connect_to(tls_listener, HOST_OTHER, TLS_PORT);
    ends->pair.listener = -1;
    ends->client = end_new(client_context, version);
    ends->server = end_new(server_context, version);
    SSL_set_connect_state(ends->client);
    SSL_set_accept_state(ends->server);
    SSL_set_tlsext_host_name(ends->client, TLS_NAME);
    SSL_set_alpn_protos(ends->client, alpn, sizeof(alpn) - 1);
    if (session)
        assert_int_equal(SSL_set_session(ends->client, session), 1);
    return ends;
}

static void ends_free(struct ends *ends)
{
    SSL_free(ends->client);
    SSL_free(ends->server);
    traffic_end(&ends->pair);
    free(ends);
}

/* What `from` has written goes over the wire to `to`. */
static size_t flush(struct ends *ends, SSL *from, SSL *to, struct stream *log)
{
    bool client = from == ends->client;
    size_t start = log->len;
    int n;

    while ((n = BIO_read(SSL_get_wbio(from), log->bytes + log->len, (int)(STREAM_MAX - log->len))) >
           0)
        log->len += (size_t)n;
    assert_true(log->len < STREAM_MAX);
    if (log->len == start)
        return 0;
    traffic_move(client ? ends->pair.client : ends->pair.server,
                 client ? ends->pair.server : ends->pair.client, (char *)log->bytes + start,
                 log->len - start, ends->cut);
    assert_int_equal(BIO_write(SSL_get_rbio(to), log->bytes + start, (int)(log->len - start)),
                     log->len - start);
    return log->len - start;
}

static void shake_hands(struct ends *ends)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        SSL_do_handshake(ends->client);
        flush(ends, ends->client, ends->server, &ends->out);
        SSL_do_handshake(ends->server);
        if (!flush(ends, ends->server, ends->client, &ends->in) &&
            SSL_is_init_finished(ends->client) && SSL_is_init_finished(ends->server))
            return;
    }
    fail_msg("the handshake does not end");
}

static void say(struct ends *ends, SSL *from, size_t len)
{
    bool client = from == ends->client;
    SSL *to = client ? ends->server : ends->client;
    char *text = calloc(1, len);
    int n;

    assert_int_equal(SSL_write(from, text, (int)len), len);
    flush(ends, from, to, client ? &ends->out : &ends->in);
    while ((n = SSL_read(to, text, (int)len)) > 0)
        len -= (size_t)n;
    assert_int_equal(len, 0);
    free(text);
}

/* The session with its ticket, which in 1.3 comes after the handshake. */
static SSL_SESSION *session_of(struct ends *ends)
{
    char byte;

    SSL_read(ends->client, &byte, 1);
    return SSL_get1_session(ends->client);
}

static void say_goodbye(struct ends *ends)
{
    SSL_shutdown(ends->server);
    flush(ends, ends->server, ends->client, &ends->in);
    /* A session that was not closed properly can't be resumed. */
    SSL_set_shutdown(ends->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set_shutdown(ends->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

/* The reference: records of a whole stream, as lines of the transcript. */
static void split_records(const struct stream *stream, const char *direction, bool tls13, FILE *out)
{
    bool ccs = false;
    size_t at = 0;

    while (at + 5 <= stream->len) {
        const uint8_t *record = stream->bytes + at;
        size_t len = (size_t)record[3] << 8 | record[4];
        bool clear = record[0] == 22 && (tls13 || !ccs);

        ccs |= record[0] == 20;
        fprintf(out, "record %s %u/%zu handshake %u\n", direction, record[0], len,
                clear ? record[5] : 0);
        at += 5 + len;
    }
    assert_int_equal(at, stream->len);
}

/* Lines of facts that begin so, joined. */
static char *lines_with(const char *text, const char *start)
{
    char *found = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&found, &size);

    for (const char *line = text; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, start, strlen(start)) == 0)
            fwrite(line, 1, (size_t)(strchr(line, '\n') + 1 - line), out);
    fclose(out);
    return found;
}

static void assert_records(const char *text, const struct stream *stream, const char *direction,
                           bool tls13)
{
    char start[32], *want = NULL, *have;
    size_t size = 0;
    FILE *out = open_memstream(&want, &size);

    split_records(stream, direction, tls13, out);
    fclose(out);
    snprintf(start, sizeof(start), "record %s ", direction);
    have = lines_with(text, start);
    if (strcmp(want, have) != 0)
        fail_msg("--- reference\n%s--- sensor\n%s---", want, have);
    free(want);
    free(have);
}

/* All that the sensor told, against the reference and OpenSSL. Ends the connection; returns the
 * facts' text. */
static char *check(struct ends *ends, bool retried, bool offered)
{
    bool tls13 = SSL_version(ends->client) == TLS1_3_VERSION;
    bool resumed = SSL_session_reused(ends->client);
    struct facts facts = {0};
    const struct cs_fact_client_hello *hello;
    const struct cs_fact_server_hello *server;
    char *text;

    say_goodbye(ends);
    traffic_end(&ends->pair);
    facts_wait(harness.sensor, &facts, CS_FACT_CLOSE, 1);
    text = facts_text(&facts);
    assert_null(strstr(text, "gap"));
    assert_null(strstr(text, "lost"));
    assert_records(text, &ends->out, "out", tls13);
    assert_records(text, &ends->in, "in", tls13);

    assert_int_equal(facts_count(&facts, CS_FACT_CLIENT_HELLO), 1);
    hello = facts_find(&facts, CS_FACT_CLIENT_HELLO, 0);
    assert_int_equal(hello->sni_len, strlen(TLS_NAME));
    assert_memory_equal(hello->text, TLS_NAME, strlen(TLS_NAME));
    assert_true(hello->flags & CS_HELLO_ALPN_H2 && hello->flags & CS_HELLO_ALPN_HTTP11);
    assert_int_equal(!!(hello->flags & CS_HELLO_TLS13), tls13);
    assert_int_equal(!!(hello->flags & CS_HELLO_PSK), tls13 && offered);

    assert_int_equal(facts_count(&facts, CS_FACT_SERVER_HELLO), 1 + retried);
    if (retried) {
        server = facts_find(&facts, CS_FACT_SERVER_HELLO, 0);
        assert_int_equal(server->flags & CS_HELLO_RETRY, CS_HELLO_RETRY);
    }
    server = facts_find(&facts, CS_FACT_SERVER_HELLO, retried);
    assert_int_equal(server->flags & CS_HELLO_RETRY, 0);
    assert_int_equal(server->version, SSL_version(ends->client));
    assert_int_equal(server->cipher,
                     SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ends->client)));
    assert_int_equal(!!(server->flags & CS_HELLO_TLS13), tls13);
    assert_int_equal(!!(server->flags & CS_HELLO_PSK), tls13 && resumed);
    /* 1.3 always echoes (compatibility mode); 1.2 does if it resumes (RFC 5077 3.4). */
    assert_int_equal(!!(server->flags & CS_HELLO_SESSION_ID), tls13 || resumed);
    facts_free(&facts);
    return text;
}

static const size_t cuts[] = {0, 1, 5, 6, 100, 1448};

/* The records as they are told apart later: the client's CCS, Finished of 53 or 69 bytes and
 * request; the server's two tickets of equal size, its answer, close_notify. */
static void assert_shape(const char *text)
{
    char *out = lines_with(text, "record out "), *in = lines_with(text, "record in 23/");
    char *answer = strstr(in, "record in 23/477 handshake 0\nrecord in 23/19 handshake 0\n");
    const char *tickets = answer;
    unsigned int finished = 0, first = 0, second = 0;

    assert_int_equal(sscanf(out,
                            "record out 22/%*u handshake 1\nrecord out 20/1 handshake 0\n"
                            "record out 23/%u handshake 0\nrecord out 23/96 handshake 0\n",
                            &finished),
                     1);
    assert_true(finished == 53 || finished == 69);
    assert_non_null(answer);
    for (int back = 0; back < 2; back++)
        for (tickets--; tickets > in && tickets[-1] != '\n';)
            tickets--;
    assert_int_equal(
        sscanf(tickets, "record in 23/%u handshake 0\nrecord in 23/%u", &first, &second), 2);
    assert_int_equal(first, second);
    free(out);
    free(in);
}

static void tls13_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct ends *ends = ends_new(TLS1_3_VERSION, NULL, cuts[i]);
        char *text;

        shake_hands(ends);
        say(ends, ends->client, 79);
        say(ends, ends->server, 460);
        text = check(ends, false, false);
        assert_shape(text);
        free(text);
        ends_free(ends);
    }
}

static void tls12_full(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct ends *ends = ends_new(TLS1_2_VERSION, NULL, cuts[i]);

        shake_hands(ends);
        say(ends, ends->client, 79);
        say(ends, ends->server, 460);
        free(check(ends, false, false));
        ends_free(ends);
    }
}

static void check_resumed(int version)
{
    struct ends *ends = ends_new(version, NULL, 0);
    SSL_SESSION *session;

    shake_hands(ends);
    session = session_of(ends);
    free(check(ends, false, false));
    ends_free(ends);
    ends = ends_new(version, session, 0);
    shake_hands(ends);
    assert_int_equal(SSL_session_reused(ends->client), 1);
    say(ends, ends->client, 1000);
    say(ends, ends->server, 2000);
    free(check(ends, false, true));
    ends_free(ends);
    SSL_SESSION_free(session);
}

static void tls13_resumed(void **state)
{
    (void)state;
    check_resumed(TLS1_3_VERSION);
}

static void tls12_resumed(void **state)
{
    (void)state;
    check_resumed(TLS1_2_VERSION);
}

/* The server takes a group for which the client sent no share: HelloRetryRequest. */
static void tls13_retried(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct ends *ends = ends_new(TLS1_3_VERSION, NULL, cuts[i]);

        assert_int_equal(SSL_set1_groups_list(ends->client, "X25519:P-384"), 1);
        assert_int_equal(SSL_set1_groups_list(ends->server, "P-384"), 1);
        shake_hands(ends);
        say(ends, ends->client, 79);
        free(check(ends, true, false));
        ends_free(ends);
    }
}

/* Whole-size records in large segments, and the client's next burst behind them. */
static void long_answers(void **state)
{
    struct ends *ends = ends_new(TLS1_3_VERSION, NULL, 0);

    (void)state;
    shake_hands(ends);
    for (int i = 0; i < 3; i++) {
        say(ends, ends->client, 30000);
        say(ends, ends->server, 200000);
    }
    free(check(ends, false, false));
    ends_free(ends);
}

int test_tls_real(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tls13_full, tls_setup),
        cmocka_unit_test_setup(tls12_full, tls_setup),
        cmocka_unit_test_setup(tls13_resumed, tls_setup),
        cmocka_unit_test_setup(tls12_resumed, tls_setup),
        cmocka_unit_test_setup(tls13_retried, tls_setup),
        cmocka_unit_test_setup(long_answers, tls_setup),
    };

    return cmocka_run_group_tests_name("tls-real", tests, make_contexts, free_contexts);
}
