/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TLS server name says. The sensor lets a name pass on its suffix and one label; here the
 * whole shape is checked, so that "sts.bucket.s3.amazonaws.com" or "evilsts.amazonaws.com" is
 * nothing of ours.
 */
#ifndef CS_CORE_SERVER_NAME_H
#define CS_CORE_SERVER_NAME_H

#include "core/classify/watchlist.h"

struct cs_server_name {
    enum cs_endpoint endpoint; /* STS, ENTRA, EKS_AUTH; UNKNOWN when the name is none of them */
    bool global;               /* sts.amazonaws.com, the endpoint of no region */
    bool fips;
    bool private_link; /* a VPC endpoint's own name */
};

/*
 * Shapes of AWS names, left of a partition's suffix (botocore endpoint rule sets of sts and
 * eks-auth; PrivateLink's names from the VPC user guide):
 *   SERVICE            only sts at amazonaws.com: the global endpoint
 *   SERVICE.REGION
 *   vpce-ID[-ZONE].SERVICE.REGION.vpce
 * with SERVICE sts, sts-fips, eks-auth, eks-auth-fips. Any letter case; a trailing dot is taken
 * off. Returns whether the name is watched.
 */
bool cs_server_name_parse(const struct cs_watchlist *list, const char *name,
                          struct cs_server_name *result);

#endif
