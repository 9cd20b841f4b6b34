/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_json_private.h"

/* Bytes of a string that mean more than themselves. */
static const uint8_t SPECIAL[256] = {
    [0x00 ... 0x1f] = 1, ['"'] = 1, ['\\'] = 1, [0x80 ... 0xff] = 1};

static enum cs_json_token string_ended(struct cs_json_scan *scan)
{
    scan->lexer = LEX_NONE;
    if (!scan->is_key)
        value_ended(scan);
    else
        scan->expect = EXPECT_COLON;
    return at_depth(scan, scan->depth, scan->is_key ? CS_JSON_KEY : CS_JSON_STRING);
}

/* The bytes that follow a UTF-8 lead byte, and the range of the first of them: RFC 3629, 4. */
static void utf8_begins(struct cs_json_scan *scan, uint8_t c)
{
    scan->utf8_low = 0x80;
    scan->utf8_high = 0xbf;
    if (c >= 0xc2 && c <= 0xdf) {
        scan->utf8_left = 1;
    } else if (c >= 0xe0 && c <= 0xef) {
        scan->utf8_left = 2;
        if (c == 0xe0)
            scan->utf8_low = 0xa0;
        else if (c == 0xed)
            scan->utf8_high = 0x9f;
    } else if (c >= 0xf0 && c <= 0xf4) {
        scan->utf8_left = 3;
        if (c == 0xf0)
            scan->utf8_low = 0x90;
        else if (c == 0xf4)
            scan->utf8_high = 0x8f;
    } else {
        fault(scan, CS_JSON_BAD_UTF8);
    }
}

static enum cs_json_token string_byte(struct cs_json_scan *scan, uint8_t c)
{
    if (scan->utf8_left > 0) {
        if (c >= scan->utf8_low && c <= scan->utf8_high) {
            scan->utf8_left--;
            scan->utf8_low = 0x80;
            scan->utf8_high = 0xbf;
            return CS_JSON_MORE;
        }
        fault(scan, CS_JSON_BAD_UTF8);
        scan->utf8_left = 0;
    }
    if (c == '"')
        return string_ended(scan);
    if (c == '\\')
        scan->lexer = LEX_ESCAPE;
    else if (c >= 0x80)
        utf8_begins(scan, c);
    else if (c < 0x20)
        fault(scan, CS_JSON_BAD_SYNTAX);
    return CS_JSON_MORE;
}

/* How many bytes mean only themselves. Eight at a time: a byte below 0x20, '"', '\' or above
 * 0x7f sets its high bit in the sum ("Bit Twiddling Hacks", haszero and hasless; a false alarm in
 * a byte above a true one only ends the run where the table decides anyway). */
static size_t plain_bytes(const char *bytes, size_t n)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones * 0x80;
    size_t i = 0;

    while (n - i >= sizeof(uint64_t)) {
        uint64_t word, quote, slash;

        memcpy(&word, bytes + i, sizeof(word));
        quote = word ^ ones * '"';
        slash = word ^ ones * '\\';
        if ((((word - ones * 0x20) | (quote - ones) | (slash - ones) | word) & highs) != 0)
            break;
        i += sizeof(word);
    }
    while (i < n && !SPECIAL[(uint8_t)bytes[i]])
        i++;
    return i;
}

enum cs_json_token cs_json_scan_string(struct cs_json_scan *scan, const char *bytes, size_t n,
                                       size_t *used)
{
    size_t plain = scan->utf8_left ? 0 : plain_bytes(bytes, n);
    enum cs_json_token token;

    text_add(scan, bytes, plain);
    *used += plain;
    if (plain == n)
        return CS_JSON_MORE;
    token = string_byte(scan, (uint8_t)bytes[plain]);
    if (scan->lexer == LEX_STRING)
        text_add(scan, bytes + plain, 1);
    *used += 1;
    return token;
}

void cs_json_scan_escape(struct cs_json_scan *scan, char c, size_t *used)
{
    static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    const char *name = c == '\0' ? NULL : strchr(names, c);

    scan->lexer = LEX_STRING;
    if (c == 'u') {
        scan->lexer = LEX_HEX;
        scan->hex_left = 4;
        scan->hex = 0;
    } else if (name) {
        text_add(scan, bytes + (name - names), 1);
    } else {
        fault(scan, CS_JSON_BAD_SYNTAX);
        scan->text_plain = false;
        /* Looked at again as a byte of the string: it can begin a UTF-8 sequence. */
        if ((uint8_t)c < 0x20 || (uint8_t)c >= 0x80)
            return;
    }
    *used += 1;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void cs_json_scan_hex(struct cs_json_scan *scan, char c, size_t *used)
{
    int value = hex_value(c);
    char decoded;

    if (value < 0) {
        fault(scan, CS_JSON_BAD_SYNTAX);
        scan->text_plain = false;
        scan->lexer = LEX_STRING;
        return;
    }
    *used += 1;
    scan->hex = (uint16_t)(scan->hex << 4 | value);
    if (--scan->hex_left > 0)
        return;
    scan->lexer = LEX_STRING;
    decoded = (char)scan->hex;
    if (scan->hex == 0 || scan->hex >= 0x80)
        scan->text_plain = false;
    else
        text_add(scan, &decoded, 1);
}
