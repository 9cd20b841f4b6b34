// SPDX-License-Identifier: Apache-2.0
#include "core/kube/kube_url.h"

#include "base/util.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *host, *port;
    const char *url; /* NULL: -EINVAL */
} made[] = {
    {"10.100.0.1", "443", "https://10.100.0.1:443"},
    {"kubernetes.default.svc", "6443", "https://kubernetes.default.svc:6443"},
    {"fd00:10::1", "443", "https://[fd00:10::1]:443"},
    {"[fd00:10::1]", "443", "https://[fd00:10::1]:443"},
    {"::ffff:10.0.0.1", "443", "https://[::ffff:10.0.0.1]:443"},
    {"fe80::1%eth0", "10250", "https://[fe80::1%25eth0]:10250"},
    {"", "443", NULL},
    {"a b", "443", NULL},
    {"a/b", "443", NULL},
    {"user@host", "443", NULL},
    {"[::1", "443", NULL},
    {"::1]", "443", NULL},
    {"::1%", "443", NULL},
    {"::1%e/0", "443", NULL},
    {"g::1", "443", NULL},
    {"10.0.0.1", "", NULL},
    {"10.0.0.1", "0", NULL},
    {"10.0.0.1", "65536", NULL},
    {"10.0.0.1", "tcp://10.0.0.1:443", NULL},
    {"10.0.0.1", "443/x", NULL},
};

static void test_make(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(made); i++) {
        char url[CS_KUBE_URL_MAX];
        int error = cs_kube_url_make(made[i].host, made[i].port, url);

        if (error != (made[i].url ? 0 : -EINVAL) || (!error && strcmp(url, made[i].url) != 0))
            fail_msg("'%s' '%s': %d '%s'", made[i].host, made[i].port, error, error ? "" : url);
    }
}

static const struct {
    const char *text;
    const char *url; /* NULL: -EINVAL */
} cleaned[] = {
    {"https://10.0.0.1:443", "https://10.0.0.1:443"},
    {"https://api.example.com/", "https://api.example.com"},
    {"HTTPS://api/k8s/clusters/c-1//", "HTTPS://api/k8s/clusters/c-1"},
    {"http://127.0.0.1:8001", "http://127.0.0.1:8001"},
    {"https://[::1]:6443", "https://[::1]:6443"},
    {"", NULL},
    {"10.0.0.1:443", NULL},
    {"https://", NULL},
    {"https:///", NULL},
    {"https:///path", NULL},
    {"https://:443", NULL},
    {"ftp://host", NULL},
    {"file:///etc/passwd", NULL},
    {"https://user:secret@host", NULL},
    {"https://host/?watch=1", NULL},
    {"https://host/#f", NULL},
    {"https://ho st", NULL},
    {"https://host\r\nX: y", NULL},
    {"https://h\xc3\xb6st", NULL},
};

static void test_clean(void **state)
{
    char url[CS_KUBE_URL_MAX], text[CS_KUBE_URL_MAX + 16] = "https://";

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cleaned); i++) {
        int error = cs_kube_url_clean(cleaned[i].text, url);

        if (error != (cleaned[i].url ? 0 : -EINVAL) || (!error && strcmp(url, cleaned[i].url) != 0))
            fail_msg("'%s': %d '%s'", cleaned[i].text, error, error ? "" : url);
    }
    memset(text + 8, 'a', CS_KUBE_URL_MAX - 8);
    assert_int_equal(cs_kube_url_clean(text, url), -ENAMETOOLONG);
    text[CS_KUBE_URL_MAX - 1] = '\0';
    assert_int_equal(cs_kube_url_clean(text, url), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_make),
        cmocka_unit_test(test_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
