// SPDX-License-Identifier: Apache-2.0
#include "case.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const targets[PF_TARGET_END] = {
    [PF_AGENT4] = "agent4", [PF_AGENT6] = "agent6", [PF_AGENT4_IN_6] = "agent4-in-6",
    [PF_IMDS4] = "imds4",   [PF_TLS4] = "tls4",     [PF_TLS6] = "tls6",
};

static const char *const ops[PF_OP_END] = {
    [PF_SEND] = "send",         [PF_RECV] = "recv",         [PF_PEER_FIN] = "peer-fin",
    [PF_PEER_RST] = "peer-rst", [PF_SHUTDOWN] = "shutdown", [PF_CLOSE] = "close",
    [PF_ABORT] = "abort",       [PF_SACK] = "sack",
};

void pf_case_reset(struct pf_case *c, uint64_t seed)
{
    c->seed = seed;
    c->target = PF_AGENT4;
    c->tls = c->fast_open = c->tidy = 0;
    c->mss = 1460;
    c->egress.len = c->ingress.len = 0;
    c->step_count = 0;
}

void pf_append(struct pf_stream *stream, const void *data, size_t len)
{
    if (len > PF_STREAM_MAX - stream->len)
        len = PF_STREAM_MAX - stream->len;
    memcpy(stream->data + stream->len, data, len);
    stream->len += (uint32_t)len;
}

void pf_append_text(struct pf_stream *stream, const char *format, ...)
{
    char text[4096];
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    pf_append(stream, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void pf_add_step(struct pf_case *c, enum pf_op op, unsigned int flags, uint32_t offset,
                 uint32_t len)
{
    if (c->step_count < PF_STEPS_MAX)
        c->steps[c->step_count++] =
            (struct pf_step){.op = op, .flags = (uint8_t)flags, .offset = offset, .len = len};
}

static void write_stream(FILE *to, const char *name, const struct pf_stream *stream)
{
    for (uint32_t at = 0; at < stream->len;) {
        fprintf(to, "%s \"", name);
        for (uint32_t n = 0; n < 120 && at < stream->len; n++) {
            uint8_t byte = stream->data[at++];

            if (byte == '\r')
                fputs("\\r", to);
            else if (byte == '\n')
                fputs("\\n", to);
            else if (byte < 0x20 || byte > 0x7e || byte == '"' || byte == '\\')
                fprintf(to, "\\x%02x", byte);
            else
                fputc(byte, to);
            if (byte == '\n')
                break;
        }
        fputs("\"\n", to);
    }
}

void pf_case_write(const struct pf_case *c, FILE *to)
{
    fprintf(to, "case %s %s mss=%u fast-open=%u tidy=%u seed=%llu\n", targets[c->target],
            c->tls ? "tls" : "http", c->mss, c->fast_open, c->tidy, (unsigned long long)c->seed);
    write_stream(to, "egress", &c->egress);
    write_stream(to, "ingress", &c->ingress);
    for (uint32_t i = 0; i < c->step_count; i++)
        fprintf(to, "%s %u %u %u\n", ops[c->steps[i].op], c->steps[i].offset, c->steps[i].len,
                c->steps[i].flags);
}

static int read_stream(struct pf_stream *stream, const char *text)
{
    text = strchr(text, '"');
    if (!text)
        return -EBADMSG;
    for (text++; *text && *text != '"'; text++) {
        char byte = *text, hex[3] = "";

        if (byte == '\\') {
            text++;
            if (*text == 'x' && text[1] && text[2]) {
                memcpy(hex, text + 1, 2);
                byte = (char)strtoul(hex, NULL, 16);
                text += 2;
            } else {
                byte = *text == 'r' ? '\r' : *text == 'n' ? '\n' : *text;
            }
        }
        pf_append(stream, &byte, 1);
    }
    return *text == '"' ? 0 : -EBADMSG;
}

static int find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -EBADMSG;
}

static int read_line(struct pf_case *c, const char *line)
{
    char word[32], kind[8];
    unsigned int mss, fast_open, tidy, offset, len, flags;
    unsigned long long seed;
    int n;

    if (sscanf(line, "case %31s %7s mss=%u fast-open=%u tidy=%u seed=%llu", word, kind, &mss,
               &fast_open, &tidy, &seed) == 6) {
        n = find(targets, PF_TARGET_END, word);
        if (n < 0)
            return n;
        c->target = (uint8_t)n;
        c->tls = !strcmp(kind, "tls");
        c->mss = (uint16_t)mss;
        c->fast_open = fast_open != 0;
        c->tidy = tidy != 0;
        c->seed = seed;
        return 0;
    }
    if (!strncmp(line, "egress ", 7))
        return read_stream(&c->egress, line);
    if (!strncmp(line, "ingress ", 8))
        return read_stream(&c->ingress, line);
    if (sscanf(line, "%31s %u %u %u", word, &offset, &len, &flags) != 4)
        return -EBADMSG;
    n = find(ops, PF_OP_END, word);
    if (n >= 0)
        pf_add_step(c, (enum pf_op)n, flags, offset, len);
    return n < 0 ? n : 0;
}

int pf_case_read(struct pf_case *c, FILE *from)
{
    char line[2048];

    pf_case_reset(c, 0);
    while (fgets(line, sizeof(line), from)) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (read_line(c, line)) {
            fprintf(stderr, "packet-fuzz: not understood: %s", line);
            return -EBADMSG;
        }
    }
    return c->step_count ? 0 : -EBADMSG;
}
