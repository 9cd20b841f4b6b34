/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pods/pod_json.h"

#include "base/cleanup.h"
#include "core/kube/kube_event.h"
#include "pod_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define NAMED     POD(META(""), "")
#define CONTAINER "\"containers\":[{\"name\":\"app\"}]"
#define LABEL(x)  POD(META(",\"labels\":{" x "}"), ",\"spec\":{" CONTAINER "}")
#define NOTE(x)   POD(META(",\"annotations\":{" x "}"), ",\"spec\":{" CONTAINER "}")
#define ENV(x)    POD(META(""), ",\"spec\":{\"containers\":[{\"name\":\"app\",\"env\":[" x "]}]}")
#define VAR(name) "{\"name\":\"" name "\",\"value\":\"v\"}"
#define ARN       "arn:aws:iam::123456789012:role/team/payer"
#define CLIENT    "9f8e7d6c-5b4a-4938-8271-605f4e3d2c1b"
#define TOKEN(audience, path)                                                             \
    "\"volumes\":[{\"name\":\"t\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{" \
    "\"audience\":\"" audience "\",\"expirationSeconds\":86400,\"path\":\"" path "\"}}]}}]"
#define MOUNTED(audience, at, path)                                                           \
    POD(META(""), ",\"spec\":{\"containers\":[{\"name\":\"app\",\"volumeMounts\":[{\"name\":" \
                  "\"t\",\"mountPath\":\"" at "\"}]}]," TOKEN(audience, path) "}")

/* What the first container declares. */
static const struct {
    const char *name, *json, *declared;
    bool proxy;
    const char *role_arn, *client_id;
} declared[] = {
    {"nothing", ENV(""), .declared = "none"},
    {"no env at all", POD(META(""), ",\"spec\":{" CONTAINER "}"), .declared = "none"},
    {"other variables", ENV(VAR("AWS_REGION") "," VAR("DATABASE_PASSWORD")), .declared = "none"},
    {"irsa as injected",
     ENV("{\"name\":\"AWS_ROLE_ARN\",\"value\":\"" ARN "\"}," VAR("AWS_WEB_IDENTITY_TOKEN_FILE")),
     .declared = "irsa", .role_arn = ARN},
    {"a role to assume is no irsa", ENV("{\"name\":\"AWS_ROLE_ARN\",\"value\":\"" ARN "\"}"),
     .declared = "none", .role_arn = ARN},
    {"irsa by hand: the volume", MOUNTED("sts.amazonaws.com", "/token", "t"), .declared = "irsa"},
    {"irsa by hand, China", MOUNTED("sts.amazonaws.com.cn", "/token", "t"), .declared = "irsa"},
    {"irsa, own audience, the usual place",
     MOUNTED("my-audience", "/var/run/secrets/eks.amazonaws.com/serviceaccount", "token"),
     .declared = "irsa"},
    {"the ordinary Kubernetes token",
     MOUNTED("", "/var/run/secrets/kubernetes.io/serviceaccount", "token"), .declared = "none"},
    {"vault's token", MOUNTED("vault", "/var/run/secrets/vault", "token"), .declared = "none"},
    {"pod identity as injected",
     ENV("{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"value\":\"http://169.254.170.23/v1/"
         "credentials\"}," VAR("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")),
     .declared = "eks-pod-identity"},
    {"pod identity, IPv6",
     ENV("{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"value\":\"http://[fd00:ec2::23]/v1/"
         "credentials\"}"),
     .declared = "eks-pod-identity"},
    {"another credentials server",
     ENV("{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"value\":\"http://localhost:9911/"
         "x\"}," VAR("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")),
     .declared = "none"},
    {"a server that only starts alike",
     ENV("{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"value\":\"http://169.254.170.230/\"}"),
     .declared = "none"},
    {"pod identity, address from elsewhere",
     ENV("{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\",\"valueFrom\":{\"configMapKeyRef\":{}}}"
         "," VAR("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")),
     .declared = "eks-pod-identity"},
    {"pod identity by hand: the volume", MOUNTED("pods.eks.amazonaws.com", "/x", "y"),
     .declared = "eks-pod-identity"},
    {"both",
     ENV(VAR("AWS_WEB_IDENTITY_TOKEN_FILE") ",{\"name\":\"AWS_CONTAINER_CREDENTIALS_FULL_URI\","
                                            "\"value\":\"http://169.254.170.23/v1/credentials\"}"),
     .declared = "irsa+eks-pod-identity"},
    {"static keys", ENV(VAR("AWS_ACCESS_KEY_ID")), .declared = "static-keys"},
    {"static keys from a secret",
     ENV("{\"name\":\"AWS_SECRET_ACCESS_KEY\",\"valueFrom\":{\"secretKeyRef\":{\"key\":\"k\"}}}"),
     .declared = "static-keys"},
    {"azure client secret", ENV(VAR("AZURE_CLIENT_SECRET")), .declared = "static-keys"},
    {"azure workload identity as injected",
     ENV("{\"name\":\"AZURE_CLIENT_ID\",\"value\":\"" CLIENT
         "\"}," VAR("AZURE_FEDERATED_TOKEN_FILE")),
     .declared = "azure-workload-identity", .client_id = CLIENT},
    {"azure label", LABEL("\"azure.workload.identity/use\":\"true\""),
     .declared = "azure-workload-identity"},
    {"azure label, not true", LABEL("\"azure.workload.identity/use\":\"false\""),
     .declared = "none"},
    {"azure by hand: the volume", MOUNTED("api://AzureADTokenExchange", "/x", "y"),
     .declared = "azure-workload-identity"},
    {"azure identity binding: the path",
     MOUNTED("own", "/var/run/secrets/azure/wi/token", "azure-identity-token"),
     .declared = "azure-workload-identity"},
    {"aad pod identity", LABEL("\"aadpodidbinding\":\"payer\""), .declared = "aad-pod-identity"},
    {"aad pod identity, empty", LABEL("\"aadpodidbinding\":\"\""), .declared = "none"},
    {"azure proxy, asked for", NOTE("\"azure.workload.identity/inject-proxy-sidecar\":\"\""),
     .declared = "azure-workload-identity-proxy"},
    {"azure proxy, injected",
     POD(META(",\"labels\":{\"azure.workload.identity/use\":\"true\"}"),
         ",\"spec\":{\"containers\":[{\"name\":\"app\"},{\"name\":\"azwi-proxy\"}]}"),
     .declared = "azure-workload-identity+azure-workload-identity-proxy"},
    {"kube2iam or kiam", NOTE("\"iam.amazonaws.com/role\":\"payer\""), .declared = "kube2iam"},
    {"everything of azure",
     POD(META(",\"labels\":{\"aadpodidbinding\":\"p\",\"azure.workload.identity/use\":\"true\"}"),
         ",\"spec\":{" CONTAINER "}"),
     .declared = "aad-pod-identity+azure-workload-identity"},
    {"proxy", ENV(VAR("HTTPS_PROXY")), .declared = "none", .proxy = true},
    {"proxy, small letters", ENV(VAR("all_proxy")), .declared = "none", .proxy = true},
    {"no proxy", ENV(VAR("NO_PROXY")), .declared = "none"},
    {"a role that is none", ENV(VAR("AWS_ROLE_ARN")), .declared = "none", .role_arn = ""},
    {"a client id that is none", ENV(VAR("AZURE_CLIENT_ID")), .declared = "none", .client_id = ""},
    {"an init container",
     POD(META(""), ",\"spec\":{\"initContainers\":[{\"name\":\"get\",\"env\":[" VAR(
                       "AWS_WEB_IDENTITY_TOKEN_FILE") "]}]," CONTAINER "}"),
     .declared = "irsa"},
    {"skipped by the azure webhook",
     POD(META(",\"labels\":{\"azure.workload.identity/use\":\"true\"},\"annotations\":{\"azure."
              "workload.identity/skip-containers\":\"x; app;y\"}"),
         ",\"spec\":{" CONTAINER "}"),
     .declared = "none"},
    {"not skipped: only like it",
     POD(META(",\"labels\":{\"azure.workload.identity/use\":\"true\"},\"annotations\":{\"azure."
              "workload.identity/skip-containers\":\"app2;ap\"}"),
         ",\"spec\":{" CONTAINER "}"),
     .declared = "azure-workload-identity"},
};

static void reads_what_is_declared(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(declared); i++) {
        _cleanup_free_ struct cs_pod *pod = NULL;
        enum cs_pod_error error = cs_pod_read(slice_of(declared[i].json), &pod);
        char text[CS_DECLARED_TEXT_MAX];

        if (error != CS_POD_OK || pod->container_count == 0 || pod->odd != 0)
            fail_msg("%s: %s, odd %u", declared[i].name, cs_pod_error_name(error),
                     pod ? pod->odd : 0);
        cs_declared_format(pod->containers[0].declared, text);
        if (strcmp(text, declared[i].declared) != 0 ||
            pod->containers[0].proxy != declared[i].proxy)
            fail_msg("%s: %s, not %s", declared[i].name, text, declared[i].declared);
        if (declared[i].role_arn)
            assert_string_equal(pod->containers[0].role_arn, declared[i].role_arn);
        if (declared[i].client_id)
            assert_string_equal(pod->containers[0].client_id, declared[i].client_id);
    }
}

static const struct {
    const char *name, *json;
    enum cs_pod_error error;
    uint32_t odd;
} refused[] = {
    {"least", NAMED, CS_POD_OK, 0},
    {"empty", "", CS_POD_NOT_JSON, 0},
    {"cut", "{\"metadata\":{", CS_POD_NOT_JSON, 0},
    {"rubbish behind", NAMED "}", CS_POD_NOT_JSON, 0},
    {"spaces behind", NAMED " \n", CS_POD_OK, 0},
    {"no object", "[]", CS_POD_NOT_A_POD, 0},
    {"another kind", POD("\"kind\":\"Node\"," META(""), ""), CS_POD_NOT_A_POD, 0},
    {"its kind", POD("\"kind\":\"Pod\"," META(""), ""), CS_POD_OK, 0},
    {"kind is null", POD("\"kind\":null," META(""), ""), CS_POD_OK, 0},
    {"no metadata", "{}", CS_POD_NO_NAME, 0},
    {"metadata is null", "{\"metadata\":null}", CS_POD_NO_NAME, 0},
    {"metadata is a list", "{\"metadata\":[1]}", CS_POD_NO_NAME, 0},
    {"no uid", "{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\"}}", CS_POD_NO_NAME, 0},
    {"no name", "{\"metadata\":{\"uid\":\"" UID_A "\",\"namespace\":\"b\"}}", CS_POD_NO_NAME, 0},
    {"no namespace", "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"b\"}}", CS_POD_NO_NAME, 0},
    {"empty name", "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\",\"namespace\":\"b\"}}",
     CS_POD_NO_NAME, 0},
    {"uid is a number", "{\"metadata\":{\"uid\":1,\"name\":\"a\",\"namespace\":\"b\"}}",
     CS_POD_NO_NAME, 0},
    {"uid is a path", "{\"metadata\":{\"uid\":\"../x\",\"name\":\"a\",\"namespace\":\"b\"}}",
     CS_POD_NO_NAME, 0},
    {"uid is too long",
     "{\"metadata\":{\"uid\":\"" UID_A "0\",\"name\":\"a\",\"namespace\":\"b\"}}", CS_POD_NO_NAME,
     0},
    {"uid is cut by a NUL",
     "{\"metadata\":{\"uid\":\"\\u0000\",\"name\":\"a\",\"namespace\":\"b\"}}", CS_POD_NO_NAME, 0},
    {"two uids",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"uid\":\"" UID_B
     "\",\"name\":\"a\",\"namespace\":\"b\"}}",
     CS_POD_DUPLICATE, 0},
    {"two metadata", "{" META("") "," META("") "}", CS_POD_DUPLICATE, 0},
    {"two env lists",
     POD(META(""), ",\"spec\":{\"containers\":[{\"name\":\"a\",\"env\":[],"
                   "\"env\":[]}]}"),
     CS_POD_DUPLICATE, 0},
    {"two of something else", POD(META(",\"x\":1,\"x\":2"), ""), CS_POD_OK, 0},
    {"name is no UTF-8",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\xff\",\"namespace\":"
     "\"b\"}}",
     CS_POD_BAD_UTF8, 0},
    {"name is overlong UTF-8",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\xc0\xaf\","
     "\"namespace\":\"b\"}}",
     CS_POD_BAD_UTF8, 0},
    {"name ends within UTF-8",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\xe2\x82\","
     "\"namespace\":\"b\"}}",
     CS_POD_BAD_UTF8, 0},
    {"name is a surrogate",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\xed\xa0\x80\","
     "\"namespace\":\"b\"}}",
     CS_POD_BAD_UTF8, 0},
    {"half a surrogate pair",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\\ud800\","
     "\"namespace\":\"b\"}}",
     CS_POD_NOT_JSON, 0},
    {"any other name",
     "{\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"\\\"\\n\xe2\x82\xac\","
     "\"namespace\":\"b\"}}",
     CS_POD_OK, 0},
    {"not UTF-8 where nobody looks", POD(META(",\"x\":\"\xff\""), ""), CS_POD_OK, 0},
    {"bookmark", POD(META(""), ",\"spec\":{\"containers\":null},\"status\":{}"), CS_POD_OK, 0},
    {"labels are a list", POD(META(",\"labels\":[]"), ""), CS_POD_OK, 1},
    {"a label is a number", POD(META(",\"labels\":{\"pod-template-hash\":7}"), ""), CS_POD_OK, 1},
    {"spec is a string", POD(META(""), ",\"spec\":\"x\""), CS_POD_OK, 1},
    {"hostNetwork is a string", POD(META(""), ",\"spec\":{\"hostNetwork\":\"true\"}"), CS_POD_OK,
     1},
    {"containers is an object", POD(META(""), ",\"spec\":{\"containers\":{\"name\":\"a\"}}"),
     CS_POD_OK, 1},
    {"a container is null", POD(META(""), ",\"spec\":{\"containers\":[null,7,[1],\"x\"]}"),
     CS_POD_OK, 0},
    {"env is odd", ENV("null,7,[],{\"name\":7},{\"value\":\"x\"}"), CS_POD_OK, 1},
    {"a container id of another length",
     POD(META(""), ",\"spec\":{" CONTAINER "},\"status\":{\"containerStatuses\":[{\"name\":"
                   "\"app\",\"containerID\":\"containerd://0123\"}]}"),
     CS_POD_OK, 1},
    {"a container id without its runtime",
     POD(META(""), ",\"spec\":{" CONTAINER "},\"status\":{\"containerStatuses\":[{\"name\":"
                   "\"app\",\"containerID\":\"" ID_A "\"}]}"),
     CS_POD_OK, 1},
    {"a status without a container",
     POD(META(""), ",\"status\":{\"containerStatuses\":[{\"name\":\"app\"}]}"), CS_POD_OK, 0},
};

static void refuses_what_it_must(void **state)
{
    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(refused); i++) {
        struct cs_pod *const untouched = (struct cs_pod *)&refused[i];
        struct cs_pod *pod = untouched;
        /* In memory of its own size: a sanitizer sees a read behind it. */
        size_t len = strlen(refused[i].json);
        _cleanup_free_ char *copy = malloc(len + 1);
        enum cs_pod_error error;

        assert_non_null(copy);
        memcpy(copy + 1, refused[i].json, len);
        error = cs_pod_read((struct cs_slice){copy + 1, len}, &pod);
        if (error != refused[i].error)
            fail_msg("%s: %s", refused[i].name, cs_pod_error_name(error));
        if (error != CS_POD_OK) {
            assert_ptr_equal(pod, untouched);
            continue;
        }
        if (pod->odd != refused[i].odd)
            fail_msg("%s: odd %u", refused[i].name, pod->odd);
        free(pod);
    }
}

/* One of a field, repeated. */
static char *repeated(const char *before, const char *what, size_t count, const char *after)
{
    size_t n = strlen(what);
    char *text = malloc(strlen(before) + n * count + strlen(after) + 1), *at;

    assert_non_null(text);
    at = stpcpy(text, before);
    for (size_t i = 0; i < count; i++)
        at = mempcpy(at, what, n);
    strcpy(at, after);
    return text;
}

static void bounds_what_it_is_given(void **state)
{
    static const struct {
        const char *name, *before, *what;
        size_t count;
        const char *after;
        enum cs_pod_error error;
    } cases[] = {
        {"cut when 64 deep", "{" META("") ",\"x\":", "[", 64, "", CS_POD_NOT_JSON},
        {"deeper than cJSON goes", "{" META("") ",\"x\":", "[", 5000, "", CS_POD_NOT_JSON},
        {"a million nodes", "{" META("") ",\"x\":[0", ",0", 700000, "]}", CS_POD_TOO_COMPLEX},
        {"a large pod of strings", "{" META("") ",\"x\":[0",
         ",\"0123456789abcdef0123456789abcdef"
         "0123456789abcdef0123456789abcdef\"",
         20000, "]}", CS_POD_OK},
        {"over the limit", "{" META("") ",\"x\":\"", "0123456789abcdef", 100000, "\"}",
         CS_POD_TOO_LARGE},
        {"256 containers", "{" META("") ",\"spec\":{\"containers\":[{}", ",{}", 255, "]}}",
         CS_POD_OK},
        {"257 containers", "{" META("") ",\"spec\":{\"containers\":[{}", ",{}", 256, "]}}",
         CS_POD_TOO_COMPLEX},
        {"33 token volumes", "{" META("") ",\"spec\":{\"volumes\":[null",
         ",{\"name\":\"t\",\"projected\":{\"sources\":[{\"serviceAccountToken\":{}}]}}", 33, "]}}",
         CS_POD_OK},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_free_ char *text =
            repeated(cases[i].before, cases[i].what, cases[i].count, cases[i].after);
        _cleanup_free_ struct cs_pod *pod = NULL;
        enum cs_pod_error error = cs_pod_read(slice_of(text), &pod);

        if (error != cases[i].error)
            fail_msg("%s: %s", cases[i].name, cs_pod_error_name(error));
    }
}

static const char FULL[] =
    "{\"kind\":\"Pod\",\"metadata\":{\"uid\":\"" UID_A "\",\"name\":\"web-6d4cf56db6-x7k2p\","
    "\"generateName\":\"web-6d4cf56db6-\",\"namespace\":\"shop\",\"creationTimestamp\":"
    "\"2026-11-21T03:53:35Z\",\"deletionTimestamp\":\"2026-11-21T04:53:35Z\",\"labels\":{"
    "\"pod-template-hash\":\"6d4cf56db6\"},\"ownerReferences\":[{\"kind\":\"X\",\"name\":\"x\"},"
    "{\"kind\":\"ReplicaSet\",\"name\":\"web-6d4cf56db6\",\"controller\":true}]},"
    "\"spec\":{\"nodeName\":\"n1\",\"serviceAccountName\":\"payer\",\"hostNetwork\":true,"
    "\"initContainers\":[{\"name\":\"app\",\"image\":\"i0\"}],"
    "\"containers\":[{\"name\":\"app\",\"image\":\"registry.example/app:1\"},{\"name\":\"log\"}],"
    "\"ephemeralContainers\":[{\"name\":\"debug\"}]},"
    "\"status\":{\"phase\":\"Running\",\"initContainerStatuses\":[{\"name\":\"app\","
    "\"containerID\":\"cri-o://" ID_C "\"}],\"containerStatuses\":[{\"name\":\"log\","
    "\"containerID\":\"docker://" ID_B "\"},{\"name\":\"app\",\"containerID\":\"containerd://" ID_A
    "\",\"lastState\":{\"terminated\":{\"containerID\":\"containerd://" ID_B "\"}}}]}}";

static void reads_every_field(void **state)
{
    _cleanup_free_ struct cs_pod *pod = NULL;

    (void)state;
    assert_int_equal(cs_pod_read(slice_of(FULL), &pod), CS_POD_OK);
    assert_string_equal(pod->uid, UID_A);
    assert_string_equal(pod->name, "web-6d4cf56db6-x7k2p");
    assert_string_equal(pod->generate_name, "web-6d4cf56db6-");
    assert_string_equal(pod->namespace, "shop");
    assert_string_equal(pod->service_account, "payer");
    assert_string_equal(pod->node_name, "n1");
    assert_string_equal(pod->owner_kind, "ReplicaSet");
    assert_string_equal(pod->owner_name, "web-6d4cf56db6");
    assert_string_equal(pod->template_hash, "6d4cf56db6");
    assert_int_equal(pod->created_s, 1795233215); /* date -d 2026-11-21T03:53:35Z +%s */
    assert_true(pod->host_network && pod->deleting && !pod->is_static);
    assert_int_equal(pod->phase, CS_POD_RUNNING);
    assert_int_equal(pod->container_count, 4);
    assert_string_equal(pod->containers[0].ids[0], ID_C);
    assert_string_equal(pod->containers[1].name, "app");
    assert_string_equal(pod->containers[1].image, "registry.example/app:1");
    assert_string_equal(pod->containers[1].ids[0], ID_A);
    assert_string_equal(pod->containers[1].ids[1], ID_B);
    assert_string_equal(pod->containers[2].ids[0], ID_B);
    assert_int_equal(pod->containers[3].kind, CS_CONTAINER_EPHEMERAL);
}

static void knows_static_pods(void **state)
{
    static const struct {
        const char *name, *json;
        bool is_static;
        const char *hash, *account;
    } cases[] = {
        {"mirror pod",
         POD(META(",\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH
                  "\",\"kubernetes.io/config.mirror\":\"" HASH "\"},\"ownerReferences\":[{\"kind\":"
                  "\"Node\",\"name\":\"n1\",\"controller\":true}]"),
             ""),
         true, HASH, "~none"},
        {"as kubelet has it",
         "{\"metadata\":{\"uid\":\"" HASH "\",\"name\":\"etcd-n1\",\"namespace\":\"kube-system\","
         "\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH
         "\",\"kubernetes.io/config.source\":\"file\"}}}",
         true, HASH, "~none"},
        {"made by the API, and claims to be what kubelet has",
         NOTE("\"kubernetes.io/config.hash\":\"" HASH
              "\",\"kubernetes.io/config.source\":\"file\""),
         false, "", "default"},
        {"ordinary, as kubelet has it", NOTE("\"kubernetes.io/config.source\":\"api\""), false, "",
         "default"},
        {"a hash alone", NOTE("\"kubernetes.io/config.hash\":\"" HASH "\""), false, "", "default"},
        {"a hash that is a path",
         NOTE("\"kubernetes.io/config.hash\":\"../x\","
              "\"kubernetes.io/config.mirror\":\"x\""),
         true, "", "~none"},
        {"a deployment's that claims to be",
         POD(META(",\"annotations\":{\"kubernetes.io/config.hash\":\"" HASH
                  "\",\"kubernetes.io/config.mirror\":\"" HASH "\"},\"ownerReferences\":[{\"kind\":"
                  "\"ReplicaSet\",\"name\":\"r\",\"controller\":true}]"),
             ""),
         false, "", "default"},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_free_ struct cs_pod *pod = NULL;

        assert_int_equal(cs_pod_read(slice_of(cases[i].json), &pod), CS_POD_OK);
        if (pod->is_static != cases[i].is_static || strcmp(pod->static_hash, cases[i].hash) != 0 ||
            strcmp(pod->service_account, cases[i].account) != 0)
            fail_msg("%s: %d %s %s", cases[i].name, pod->is_static, pod->static_hash,
                     pod->service_account);
    }
}

static void reads_times(void **state)
{
    static const struct {
        const char *text;
        int64_t time;
    } cases[] = {
        {"1970-01-01T00:00:01Z", 1},
        {"2000-02-29T12:00:00Z", 951825600},
        {"2100-03-01T00:00:00Z", 4107542400},
        {"2026-13-01T00:00:00Z", 0},
        {"2026-11-21T03:53:35+01:00", 0},
        {"2026-11-21 03:53:35Z", 0},
        {"", 0},
        {"-026-11-21T03:53:35Z", 0},
    };

    (void)state;
    for (size_t i = 0; i < CS_ARRAY_SIZE(cases); i++) {
        _cleanup_free_ struct cs_pod *pod = NULL;
        char json[512];

        snprintf(json, sizeof(json), POD(META(",\"creationTimestamp\":\"%s\""), ""), cases[i].text);
        assert_int_equal(cs_pod_read(slice_of(json), &pod), CS_POD_OK);
        if (pod->created_s != cases[i].time)
            fail_msg("'%s': %lld", cases[i].text, (long long)pod->created_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_declared),  cmocka_unit_test(refuses_what_it_must),
        cmocka_unit_test(bounds_what_it_is_given), cmocka_unit_test(reads_every_field),
        cmocka_unit_test(knows_static_pods),       cmocka_unit_test(reads_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
