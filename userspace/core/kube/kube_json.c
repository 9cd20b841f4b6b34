/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kube/kube_json_private.h"

enum number {
    NUMBER_MINUS,
    NUMBER_ZERO,
    NUMBER_INT,
    NUMBER_POINT,
    NUMBER_FRACTION,
    NUMBER_E,
    NUMBER_SIGN,
    NUMBER_EXPONENT,
    NUMBER_ENDS,
};

void cs_json_scan_init(struct cs_json_scan *scan, uint32_t depth_max, uint32_t token_depth)
{
    *scan = (struct cs_json_scan){
        .depth_max = depth_max < CS_JSON_TYPED_DEPTH ? depth_max : CS_JSON_TYPED_DEPTH,
        .token_depth = token_depth,
    };
}

static bool in_object(const struct cs_json_scan *scan)
{
    uint32_t level = scan->depth - 1;

    return scan->depth > 0 && level < CS_JSON_TYPED_DEPTH &&
           (scan->objects[level / 64] >> (level % 64) & 1);
}

static void value_begins(struct cs_json_scan *scan)
{
    if (scan->expect != EXPECT_VALUE && scan->expect != EXPECT_VALUE_OR_END)
        fault(scan, CS_JSON_BAD_SYNTAX);
}

static void text_begins(struct cs_json_scan *scan)
{
    scan->keeping = scan->depth <= scan->token_depth;
    scan->text_len = 0;
    scan->text_plain = true;
}

static enum cs_json_token open_level(struct cs_json_scan *scan, bool object)
{
    uint32_t level = scan->depth;

    value_begins(scan);
    if (scan->depth < UINT32_MAX)
        scan->depth++;
    if (scan->depth > scan->depth_max)
        fault(scan, CS_JSON_TOO_DEEP);
    if (level < CS_JSON_TYPED_DEPTH) {
        scan->objects[level / 64] &= ~(UINT64_C(1) << (level % 64));
        scan->objects[level / 64] |= (uint64_t)object << (level % 64);
    }
    scan->expect = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return at_depth(scan, level, object ? CS_JSON_OBJECT : CS_JSON_ARRAY);
}

static enum cs_json_token close_level(struct cs_json_scan *scan, bool object)
{
    uint8_t empty = object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;

    if (scan->depth == 0) {
        fault(scan, CS_JSON_BAD_SYNTAX);
        return CS_JSON_MORE;
    }
    if (object != in_object(scan) || (scan->expect != empty && scan->expect != EXPECT_NEXT))
        fault(scan, CS_JSON_BAD_SYNTAX);
    scan->depth--;
    value_ended(scan);
    return at_depth(scan, scan->depth, CS_JSON_CLOSE);
}

static void comma(struct cs_json_scan *scan)
{
    if (scan->expect != EXPECT_NEXT)
        fault(scan, CS_JSON_BAD_SYNTAX);
    if (scan->depth > 0)
        scan->expect = in_object(scan) ? EXPECT_KEY : EXPECT_VALUE;
}

static void colon(struct cs_json_scan *scan)
{
    if (scan->expect != EXPECT_COLON)
        fault(scan, CS_JSON_BAD_SYNTAX);
    if (scan->depth > 0)
        scan->expect = EXPECT_VALUE;
}

static void string_begins(struct cs_json_scan *scan)
{
    scan->is_key = scan->expect == EXPECT_KEY || scan->expect == EXPECT_KEY_OR_END;
    if (!scan->is_key)
        value_begins(scan);
    scan->lexer = LEX_STRING;
    text_begins(scan);
}

static enum cs_json_token atom_ended(struct cs_json_scan *scan)
{
    scan->lexer = LEX_NONE;
    value_ended(scan);
    return at_depth(scan, scan->depth, CS_JSON_ATOM);
}

static void atom_begins(struct cs_json_scan *scan, char c)
{
    if (c == 't' || c == 'f' || c == 'n') {
        scan->literal = c == 't' ? "rue" : c == 'f' ? "alse" : "ull";
        scan->lexer = LEX_LITERAL;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
        scan->number = c == '-' ? NUMBER_MINUS : c == '0' ? NUMBER_ZERO : NUMBER_INT;
        scan->lexer = LEX_NUMBER;
    } else {
        fault(scan, CS_JSON_BAD_SYNTAX);
        return;
    }
    value_begins(scan);
    text_begins(scan);
    text_add(scan, &c, 1);
}

/* The state after c, NUMBER_ENDS when c is not the number's. */
static enum number number_next(enum number state, char c)
{
    bool digit = c >= '0' && c <= '9';

    switch (state) {
    case NUMBER_MINUS:
        return c == '0' ? NUMBER_ZERO : digit ? NUMBER_INT : NUMBER_ENDS;
    case NUMBER_ZERO:
    case NUMBER_INT:
        if (digit && state == NUMBER_INT)
            return NUMBER_INT;
        return c == '.' ? NUMBER_POINT : c == 'e' || c == 'E' ? NUMBER_E : NUMBER_ENDS;
    case NUMBER_POINT:
        return digit ? NUMBER_FRACTION : NUMBER_ENDS;
    case NUMBER_FRACTION:
        return digit ? NUMBER_FRACTION : c == 'e' || c == 'E' ? NUMBER_E : NUMBER_ENDS;
    case NUMBER_E:
        if (c == '+' || c == '-')
            return NUMBER_SIGN;
        return digit ? NUMBER_EXPONENT : NUMBER_ENDS;
    case NUMBER_SIGN:
    case NUMBER_EXPONENT:
        return digit ? NUMBER_EXPONENT : NUMBER_ENDS;
    case NUMBER_ENDS:
        break;
    }
    return NUMBER_ENDS;
}

static enum cs_json_token scan_number(struct cs_json_scan *scan, char c, size_t *used)
{
    enum number next = number_next(scan->number, c);

    if (next != NUMBER_ENDS) {
        scan->number = (uint8_t)next;
        text_add(scan, &c, 1);
        *used += 1;
        return CS_JSON_MORE;
    }
    if (scan->number != NUMBER_ZERO && scan->number != NUMBER_INT &&
        scan->number != NUMBER_FRACTION && scan->number != NUMBER_EXPONENT)
        fault(scan, CS_JSON_BAD_SYNTAX);
    return atom_ended(scan);
}

static enum cs_json_token scan_literal(struct cs_json_scan *scan, char c, size_t *used)
{
    if (*scan->literal != c) {
        fault(scan, CS_JSON_BAD_SYNTAX);
        return atom_ended(scan);
    }
    text_add(scan, &c, 1);
    *used += 1;
    return *++scan->literal == '\0' ? atom_ended(scan) : CS_JSON_MORE;
}

static enum cs_json_token scan_structure(struct cs_json_scan *scan, char c, size_t *used)
{
    *used += 1;
    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        return CS_JSON_MORE;
    case '{':
    case '[':
        return open_level(scan, c == '{');
    case '}':
    case ']':
        return close_level(scan, c == '}');
    case ',':
        comma(scan);
        return CS_JSON_MORE;
    case ':':
        colon(scan);
        return CS_JSON_MORE;
    case '"':
        string_begins(scan);
        return CS_JSON_MORE;
    default:
        atom_begins(scan, c);
        return CS_JSON_MORE;
    }
}

enum cs_json_token cs_json_scan_next(struct cs_json_scan *scan, const char *bytes, size_t n,
                                     size_t *used)
{
    enum cs_json_token token = CS_JSON_MORE;

    *used = 0;
    while (*used < n && token == CS_JSON_MORE) {
        char c = bytes[*used];

        switch ((enum lexer)scan->lexer) {
        case LEX_NONE:
            token = scan_structure(scan, c, used);
            break;
        case LEX_STRING:
            token = cs_json_scan_string(scan, bytes + *used, n - *used, used);
            break;
        case LEX_ESCAPE:
            cs_json_scan_escape(scan, c, used);
            break;
        case LEX_HEX:
            cs_json_scan_hex(scan, c, used);
            break;
        case LEX_LITERAL:
            token = scan_literal(scan, c, used);
            break;
        case LEX_NUMBER:
            token = scan_number(scan, c, used);
            break;
        }
    }
    return token;
}

bool cs_json_scan_done(const struct cs_json_scan *scan)
{
    return scan->expect == EXPECT_NOTHING && scan->lexer == LEX_NONE && scan->depth == 0;
}

bool cs_json_text_is(const struct cs_json_scan *scan, const char *text)
{
    size_t len = strlen(text);

    return scan->text_plain && scan->text_len == len && memcmp(scan->text, text, len) == 0;
}
