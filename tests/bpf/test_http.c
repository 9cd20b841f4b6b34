// SPDX-License-Identifier: Apache-2.0
/* HTTP/1.x framing. Every case is played whole, byte by byte, and in odd pieces: the facts must
 * be the same wherever the segments are cut. */
#include "conversation.h"

struct http_case {
    const char *name;
    struct step steps[10];
    const char *expected; /* behind connect and established, before close */
};

static const struct http_case http_cases[] = {
    {"one exchange", {{CLIENT, GET, 0}, {SERVER, OK, 0}}, REQUEST RESPONSE},
    {"Pod Identity, JavaScript: the token first",
     {{CLIENT,
       "GET /v1/credentials HTTP/1.1\r\nAuthorization: " SECRET "\r\nHost: 169.254.170.23\r\n"
       "Connection: close\r\n\r\n",
       0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: now\r\nContent-Length: 2\r\n"
       "\r\n{}",
       0}},
     "request \"GET /v1/credentials HTTP/1.1\" agent \"\" head 107 body 0 flags authorization\n"
     "response 200 server \"\" head 81 body 2 flags length\n"},
    {"IMDSv2",
     {{CLIENT,
       "PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nUser-Agent: Boto3/1.43\r\n"
       "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\nContent-Length: 0\r\n\r\n",
       0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nServer: EC2ws\r\nContent-Length: 5\r\n\r\n"
       "TOKEN",
       0},
      {CLIENT,
       "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\r\n"
       "x-aws-ec2-metadata-token: " SECRET "\r\nHost: x\r\n\r\n",
       0},
      {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nServer:EC2ws\t\r\n\r\nrole", 0}},
     "request \"PUT /latest/api/token HTTP/1.1\" agent \"Boto3/1.43\" head 131 body 0 "
     "flags imds-ttl\n"
     "response 200 server \"EC2ws\" head 53 body 5 flags length\n"
     "request \"GET /latest/meta-data/iam/security-credentials/ HTTP/1.1\" agent \"\" head 114 "
     "body 0 flags imds-token\n"
     "response 200 server \"EC2ws\" head 53 body 4 flags length\n"},
    {"Azure: allowed values stay, others go",
     {{CLIENT,
       "GET /metadata/identity/oauth2/token/?resource=https%3A%2F%2Fvault&api-version=2018-02-01"
       "&secret=" SECRET "&client_id=abc&x=&mi_res_id=/a/b HTTP/1.1\r\nMetadata: true\r\n\r\n",
       0},
      {SERVER, OK, 0}},
     "request \"GET /metadata/identity/oauth2/token/?resource=https%3A%2F%2Fvault"
     "&api-version=2018-02-01&client_id=abc&mi_res_id=/a/b HTTP/1.1\" agent \"\" "
     "head 174 body 0 flags query-cut,metadata\n" RESPONSE},
    {"all allowed names",
     {{CLIENT,
       "GET /?resource=1&client_id=2&object_id=3&principal_id=4&msi_res_id=5&mi_res_id=6"
       "&api-version=7 HTTP/1.1\r\n\r\n",
       0},
      {SERVER, OK, 0}},
     "request \"GET /?resource=1&client_id=2&object_id=3&principal_id=4&msi_res_id=5&mi_res_id=6"
     "&api-version=7 HTTP/1.1\" agent \"\" head 107 body 0\n" RESPONSE},
    {"values and names in every disguise",
     {{CLIENT,
       "GET /p?" SECRET "&Resource=" SECRET "&%72esource=" SECRET "&resource=a;b=" SECRET
       "&resourc=" SECRET "&resource=u?v=w#" SECRET " HTTP/1.1\r\n\r\n",
       0},
      {SERVER, OK, 0}},
     "request \"GET /p?resource=a&resource=u HTTP/1.1\" "
     "agent \"\" head 183 body 0 flags query-cut\n" RESPONSE},
    {"a last parameter without a value",
     {{CLIENT, "GET /?client_id=7&" SECRET " HTTP/1.1\r\n\r\n", 0}, {SERVER, OK, 0}},
     "request \"GET /?client_id=7 HTTP/1.1\" agent \"\" head 48 body 0 flags "
     "query-cut\n" RESPONSE},
    {"names that are secrets, empty ones",
     {{CLIENT,
       "GET /p?" SECRET "==&&resource=1&&" SECRET "=2&x=&;client_id=c&" SECRET SECRET
       "; HTTP/1.1\r\n"
       "\r\n",
       0},
      {SERVER, OK, 0},
      {CLIENT, "GET /p? HTTP/1.1\r\n\r\nGET /p?& HTTP/1.1\r\n\r\n", 0},
      {SERVER, OK OK, 0}},
     "request \"GET /p?resource=1;client_id=c HTTP/1.1\" agent \"\" head 124 body 0 flags "
     "query-cut\n" RESPONSE "request \"GET /p HTTP/1.1\" agent \"\" head 20 body 0\n"
     "request \"GET /p HTTP/1.1\" agent \"\" head 21 body 0\n" RESPONSE RESPONSE},
    {"path parameters, fragments, a query without its mark",
     {{CLIENT,
       "GET /a;token=" SECRET "/b?resource=1 HTTP/1.1\r\n\r\n"
       "GET /a#" SECRET "&resource=" SECRET " HTTP/1.1\r\n\r\n"
       "GET /a&token=" SECRET "?resource=1 HTTP/1.1\r\n\r\n"
       "GET ?" SECRET "&resource=1#" SECRET "&resource=2 HTTP/1.1\r\n\r\n",
       0},
      {SERVER, OK OK OK OK, 0}},
     "request \"GET /a HTTP/1.1\" agent \"\" head 56 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 64 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 54 body 0 flags query-cut\n"
     "request \"GET ?resource=1 HTTP/1.1\" agent \"\" head 75 body 0 flags "
     "query-cut\n" RESPONSE RESPONSE RESPONSE RESPONSE},
    {"escapes: of a name stay, of what begins a query cut",
     {{CLIENT,
       "GET /role%2Bof%40x%7e HTTP/1.1\r\n\r\nGET /a%3Ftoken=" SECRET " HTTP/1.1\r\n\r\n"
       "GET /a%253f" SECRET " HTTP/1.1\r\n\r\nGET /a%3btoken=" SECRET "/b HTTP/1.1\r\n\r\n"
       "GET /a%c0%bf" SECRET " HTTP/1.1\r\n\r\nGET /a% HTTP/1.1\r\n\r\n"
       "GET /a?resource=u%2fv%3F" SECRET "&client_id=1 HTTP/1.1\r\n\r\n",
       0},
      {SERVER, OK OK OK OK OK OK OK, 0}},
     "request \"GET /role%2Bof%40x%7e HTTP/1.1\" agent \"\" head 34 body 0\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 45 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 41 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 47 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 42 body 0 flags query-cut\n"
     "request \"GET /a HTTP/1.1\" agent \"\" head 20 body 0 flags query-cut\n"
     "request \"GET /a?resource=u%2fv HTTP/1.1\" agent \"\" head 66 body 0 flags "
     "query-cut\n" RESPONSE RESPONSE RESPONSE RESPONSE RESPONSE RESPONSE RESPONSE},
    {"what is no authority",
     {{CLIENT,
       "GET http://u:" SECRET "/x@h/ HTTP/1.1\r\n\r\nGET http://h%3Ft=" SECRET "/x HTTP/1.1\r\n\r\n"
       "GET x=" SECRET " HTTP/1.1\r\n\r\nGET http://[fd00:ec2::254]:80/x HTTP/1.1\r\n\r\n",
       0},
      {SERVER, OK OK OK OK, 0}},
     "request \"GET http:// HTTP/1.1\" agent \"\" head 48 body 0 flags query-cut\n"
     "request \"GET http:// HTTP/1.1\" agent \"\" head 49 body 0 flags query-cut\n"
     "request \"GET  HTTP/1.1\" agent \"\" head 36 body 0 flags query-cut\n"
     "request \"GET http://[fd00:ec2::254]:80/x HTTP/1.1\" agent \"\" head 44 body "
     "0\n" RESPONSE RESPONSE RESPONSE RESPONSE},
    {"userinfo",
     {{CLIENT, "GET http://user:" SECRET "@169.254.169.254/a@b HTTP/1.1\r\n\r\n", 0},
      {SERVER, OK, 0},
      {CLIENT, "GET http://a@" SECRET "@h?resource=r@s HTTP/1.1\r\n\r\n", 0},
      {SERVER, OK, 0}},
     "request \"GET http://169.254.169.254/a@b HTTP/1.1\" agent \"\" head 66 body 0 "
     "flags query-cut\n" RESPONSE "request \"GET http://h?resource=r@s HTTP/1.1\" agent \"\" head "
     "58 body 0 flags query-cut\n" RESPONSE},
    {"double slash",
     {{CLIENT, "GET //v1/credentials HTTP/1.1\r\n\r\n", 0}, {SERVER, OK, 0}},
     "request \"GET //v1/credentials HTTP/1.1\" agent \"\" head 33 body 0\n" RESPONSE},
    {"User-Agent only at a line's start, before the blank line",
     {{CLIENT,
       "POST / HTTP/1.1\r\nX: User-Agent: no\r\nNot-User-Agent: no\r\nuser-agent:  yes it is \r\n"
       "User-Agent: second\r\nContent-Length: 16\r\n\r\nUser-Agent: bad\n",
       0},
      {SERVER, OK, 0}},
     "request \"POST / HTTP/1.1\" agent \"yes it is\" head 123 body 16\n" RESPONSE},
    {"a body that looks like heads",
     {{CLIENT, "POST / HTTP/1.1\r\nContent-Length: 41\r\n\r\n", 0},
      {CLIENT, "GET /evil HTTP/1.1\r\nUser-Agent: x\r\n\r\n1234", 0},
      {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\nHTTP/1.1 500 Evil\r\n\r\n123", 0},
      {CLIENT, GET, 0},
      {SERVER, OK, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 39 body 41\n"
     "response 200 server \"\" head 39 body 24 flags length\n" REQUEST RESPONSE},
    {"folded lines",
     {{CLIENT,
       "GET / HTTP/1.1\r\nAuthorization: a\r\n " SECRET "\r\nUser-Agent: one\r\n\ttwo\r\n\r\n", 0},
      {SERVER, OK, 0}},
     "request \"GET / HTTP/1.1\" agent \"one\" head 79 body 0 flags "
     "agent-cut,authorization\n" RESPONSE},
    {"bare LF",
     {{CLIENT, "GET / HTTP/1.1\nUser-Agent: x\nHost: y\n\n", 0}, {SERVER, OK, 0}},
     "request \"GET / HTTP/1.1\" agent \"x\" head 38 body 0\n" RESPONSE},
    {"bare CR in User-Agent",
     {{CLIENT, "GET / HTTP/1.1\r\nUser-Agent: x\rAuthorization: " SECRET "\r\n\r\n", 0},
      {SERVER, OK, 0}},
     "request \"GET / HTTP/1.1\" agent \"x\" head 66 body 0\ngap out framing bytes 0\n" RESPONSE},
    {"bare CR in a header of no interest",
     {{CLIENT, "POST / HTTP/1.1\r\nX: a\rContent-Length: 3\r\n\r\nabc" GET, 0}, {SERVER, OK, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 43 body 0\ngap out framing bytes 0\n" RESPONSE},
    {"a folded Server",
     {{CLIENT, GET, 0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nServer: s \r\n Set-Cookie: " SECRET "\r\nContent-Length: 0\r\n\r\n", 0}},
     REQUEST "response 200 server \"s\" head 82 body 0 flags server-cut,length\n"},
    {"empty lines before a head",
     {{CLIENT, "\r\n\r\n" GET "\r\n" GET, 0}, {SERVER, OK OK, 0}},
     REQUEST REQUEST RESPONSE RESPONSE},
    {"pipelined, answers in one segment",
     {{CLIENT, GET "HEAD /h HTTP/1.1\r\n\r\n" GET, 0},
      {SERVER,
       OK "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
          "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc",
       0}},
     REQUEST "request \"HEAD /h HTTP/1.1\" agent \"\" head 20 body 0\n" REQUEST RESPONSE
             "response 200 server \"\" head 41 body 1000 flags length\n"
             "response 404 server \"\" head 45 body 3 flags length\n"},
    {"chunked answer with extension and trailers",
     {{CLIENT, GET, 0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nHTTP/\r\n"
       "A \r\n0123456789\r\n0\r\nServer: no\r\nX: y\r\n\r\n",
       0},
      {CLIENT, GET, 0},
      {SERVER, OK, 0}},
     REQUEST "response 200 server \"\" head 47 body 0 flags chunked\n" REQUEST RESPONSE},
    {"chunked request",
     {{CLIENT,
       "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET, 0},
      {SERVER, OK OK, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 53 body 0 flags chunked\n" REQUEST RESPONSE
         RESPONSE},
    {"interim answers",
     {{CLIENT, "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", 0},
      {SERVER, "HTTP/1.1 100 Continue\r\n\r\n", 0},
      {CLIENT, "ab", 0},
      {SERVER, "HTTP/1.1 102 Processing\r\nServer: x\r\n\r\n" OK, 0},
      {CLIENT, GET, 0},
      {SERVER, OK, 0}},
     "request \"PUT / HTTP/1.1\" agent \"\" head 59 body 2\n"
     "response 100 server \"\" head 25 body 0\n"
     "response 102 server \"x\" head 38 body 0\n" RESPONSE REQUEST RESPONSE},
    {"no body: 204, 304",
     {{CLIENT, GET GET GET, 0},
      {SERVER,
       "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n" OK,
       0}},
     REQUEST REQUEST REQUEST "response 204 server \"\" head 27 body 0\n"
                             "response 304 server \"\" head 48 body 9 flags length\n" RESPONSE},
    {"body to the end of the connection",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.0 200 OK\r\nServer: old\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0}},
     REQUEST "response 200 server \"old\" head 32 body 0 flags close\n"},
    {"no reason phrase",
     {{CLIENT, GET, 0}, {SERVER, "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", 0}},
     REQUEST "response 404 server \"\" head 35 body 0 flags length\n"},
    {"the same length twice",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2 \r\n\r\nab", 0},
      {CLIENT, GET, 0},
      {SERVER, OK, 0}},
     REQUEST "response 200 server \"\" head 58 body 2 flags length\n" REQUEST RESPONSE},
    {"different lengths",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", 0}},
     REQUEST "response 200 server \"\" head 57 body 3 flags length\ngap in framing bytes 0\n"},
    {"both framings",
     {{CLIENT,
       "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
       "0\r\n\r\n" GET,
       0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 66 body 0 flags chunked\n"
     "gap out framing bytes 0\n"},
    {"a length that is none",
     {{CLIENT, "POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n" GET, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 39 body 3\ngap out framing bytes 0\n"},
    {"a folded length",
     {{CLIENT, "POST / HTTP/1.1\r\nContent-Length: 3\r\n 0\r\n\r\n" GET, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 42 body 3\ngap out framing bytes 0\n"},
    {"a coding with a space inside",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chun ked\r\n\r\n0\r\n\r\n" OK, 0}},
     REQUEST "response 200 server \"\" head 48 body 0 flags close\n"},
    {"a bare CR behind a length",
     {{CLIENT, "POST / HTTP/1.1\r\nContent-Length: 3\rX\r\n\r\nabc" GET, 0}},
     "request \"POST / HTTP/1.1\" agent \"\" head 40 body 3\ngap out framing bytes 0\n"},
    {"a bad chunk size",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0}},
     REQUEST "response 200 server \"\" head 47 body 0 flags chunked\ngap in framing bytes 0\n"},
    {"a chunk longer than it said",
     {{CLIENT, GET, 0},
      {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", 0}},
     REQUEST "response 200 server \"\" head 47 body 0 flags chunked\ngap in framing bytes 0\n"},
    {"an unknown coding of an answer",
     {{CLIENT, GET, 0}, {SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n" OK, 0}},
     REQUEST "response 200 server \"\" head 44 body 0 flags close\n"},
    {"protocol upgrade",
     {{CLIENT, GET, 0}, {SERVER, "HTTP/1.1 101 Switching\r\n\r\n\x81\x05", 0}},
     REQUEST "response 101 server \"\" head 26 body 0\ngap in framing bytes 0\n"},
    {"binary from the client", {{CLIENT, "\x16\x03\x01\x02", 0}}, "gap out malformed bytes 0\n"},
    {"HTTP/2", {{CLIENT, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0}}, "gap out malformed bytes 0\n"},
    {"HTTP/0.9", {{CLIENT, "GET /\r\n", 0}}, "gap out malformed bytes 0\n"},
    {"a line that is no header",
     {{CLIENT, "GET / HTTP/1.1\r\n" SECRET " x\r\n\r\n", 0}},
     "gap out malformed bytes 0\n"},
    {"NUL in the target",
     {{CLIENT, "GET /\0 HTTP/1.1\r\n\r\n", 19}},
     "gap out malformed bytes 0\n"},
    {"binary from the server",
     {{CLIENT, GET, 0}, {SERVER, "\x15\x03\x03\x02", 0}},
     REQUEST "gap in malformed bytes 0\n"},
    {"a bad status",
     {{CLIENT, GET, 0}, {SERVER, "HTTP/1.1 20x OK\r\n\r\n", 0}},
     REQUEST "gap in malformed bytes 0\n"},
    {"an answer before its request: no telling what the next one answers",
     {{SERVER, OK, 0},
      {CLIENT, "HEAD /h HTTP/1.1\r\n\r\n" GET, 0},
      {SERVER,
       "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\nHTTP/1.1 200 OK\r\nServer: body\r\n\r\n", 0}},
     RESPONSE "request \"HEAD /h HTTP/1.1\" agent \"\" head 20 body 0\n" REQUEST
              "gap in framing bytes 0\n"},
    {"an answer that nothing asked for",
     {{SERVER, "HTTP/1.1 408 Timeout\r\nContent-Length: 2\r\n\r\nab", 0}},
     "response 408 server \"\" head 43 body 2 flags length\ngap in framing bytes 0\n"},
};

static void play_all(size_t cut)
{
    int wrong = 0;

    for (size_t i = 0; i < sizeof(http_cases) / sizeof(http_cases[0]); i++) {
        print_message("  %s\n", http_cases[i].name);
        wrong += !conversation_is(http_cases[i].steps, cut, http_cases[i].expected);
    }
    assert_int_equal(wrong, 0);
}

static void test_whole(void **state)
{
    (void)state;
    play_all(0);
}

static void test_byte_by_byte(void **state)
{
    (void)state;
    play_all(1);
}

static void test_odd_pieces(void **state)
{
    (void)state;
    play_all(7);
}

int test_http_run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_whole, harness_setup),
        cmocka_unit_test_setup(test_byte_by_byte, harness_setup),
        cmocka_unit_test_setup(test_odd_pieces, harness_setup),
    };

    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
