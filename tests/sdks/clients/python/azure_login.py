# SPDX-License-Identifier: Apache-2.0
"""azure-identity for Python. Arguments as those of aws.py; see README.md."""
import concurrent.futures
import itertools
import os
import sys

from azure import identity

numbers = itertools.count()


def credential(operation):
    if operation == "managed-identity":
        return identity.ManagedIdentityCredential()
    if operation == "workload-identity":
        return identity.WorkloadIdentityCredential()
    who = {"tenant_id": os.environ["AZURE_TENANT_ID"], "client_id": os.environ["AZURE_CLIENT_ID"]}
    if operation == "client-secret":
        return identity.ClientSecretCredential(
            client_secret=os.environ["AZURE_CLIENT_SECRET"], **who)
    return identity.CertificateCredential(
        certificate_path=os.environ["AZURE_CLIENT_CERTIFICATE_PATH"], **who)


def turn(operation):
    """Tokens for two scopes: the second login has all that the first one left cached."""
    with credential(operation) as one:
        for _ in range(2):
            one.get_token(f"https://vault-{next(numbers)}.example.net/.default")


def main():
    operation, turns, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for _ in range(turns):
        turn(operation)
    with concurrent.futures.ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(turn, [operation] * workers))
    print(turns + workers)


if __name__ == "__main__":
    main()
