/* SPDX-License-Identifier: Apache-2.0 */
/* Base URLs of API servers and kubelets. */
#ifndef CS_CORE_KUBE_URL_H
#define CS_CORE_KUBE_URL_H

#include <stddef.h>

#define CS_KUBE_URL_MAX      512
#define CS_KUBE_KUBELET_PORT "10250"

/* https://HOST:PORT, an IPv6 address in brackets. A zone ("%eth0") is encoded as RFC 6874 says.
 * 0; -EINVAL: a host or port that can't be one; -ENAMETOOLONG. url is undefined then. */
int cs_kube_url_make(const char *host, const char *port, char url[CS_KUBE_URL_MAX]);

/* Copy a URL given by a person, without trailing slashes: http or https, a host, perhaps a path;
 * no user, query or fragment. 0, -EINVAL or -ENAMETOOLONG. */
int cs_kube_url_clean(const char *text, char url[CS_KUBE_URL_MAX]);

#endif
