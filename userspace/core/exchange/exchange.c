// SPDX-License-Identifier: Apache-2.0
#include "core/exchange/exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

const char *cs_family_name(uint8_t family)
{
    return family == 6 ? "ipv6" : "ipv4";
}

uint64_t cs_exchange_duration(const struct cs_exchange *exchange)
{
    uint64_t until = exchange->answer_ns ? exchange->answer_ns : exchange->end_ns;

    return until > exchange->start_ns ? until - exchange->start_ns : 0;
}

bool cs_connection_is_tunnel(const struct cs_connection *connection)
{
    return connection->authority[0] != '\0';
}

void cs_address_format(char *to, const uint8_t addr[16], uint16_t port)
{
    struct in6_addr in6;
    char text[INET6_ADDRSTRLEN];

    memcpy(&in6, addr, sizeof(in6));
    if (IN6_IS_ADDR_V4MAPPED(&in6)) {
        inet_ntop(AF_INET, addr + 12, text, sizeof(text));
        snprintf(to, CS_ADDRESS_TEXT_MAX, "%s:%u", text, port);
    } else {
        inet_ntop(AF_INET6, addr, text, sizeof(text));
        snprintf(to, CS_ADDRESS_TEXT_MAX, "[%s]:%u", text, port);
    }
}
