# SPDX-License-Identifier: Apache-2.0
"""boto3 and the AWS CLI. Arguments: which of them, what to do, turns one after another, and
workers that do as many again at a time. What each operation does is told in README.md."""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

CROSS_ACCOUNT = "arn:aws:iam::444455556666:role/cross-account"


def boto3_turn(operation):
    """As an application does it: everything new, then what this turn is about."""
    import boto3
    session = boto3.session.Session()
    if operation == "credentials":
        session.get_credentials().get_frozen_credentials()
        return
    sts = session.client("sts")
    if operation == "assume":
        sts.assume_role(RoleArn=CROSS_ACCOUNT, RoleSessionName="chain")
    sts.get_caller_identity()
    if operation == "identities":
        sts.get_caller_identity()


def cli_turn(operation):
    """Each call is a program: new credentials and a new connection each time."""
    calls = {"assume": [["assume-role", "--role-arn", CROSS_ACCOUNT, "--role-session-name",
                         "chain"]]}
    program = os.path.join(os.path.dirname(sys.executable), "aws")
    # its cache of assumed roles outlives a call, but not a container
    with tempfile.TemporaryDirectory() as home:
        for call in calls.get(operation, [["get-caller-identity"]]):
            subprocess.run([program, "sts", *call], check=True, stdout=subprocess.DEVNULL,
                           env={**os.environ, "HOME": home}, timeout=120)


def main():
    turn = {"boto3": boto3_turn, "awscli": cli_turn}[sys.argv[1]]
    operation, turns, workers = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    for _ in range(turns):
        turn(operation)
    with concurrent.futures.ThreadPoolExecutor(max(1, workers)) as pool:
        list(pool.map(turn, [operation] * workers))
    print(turns + workers)


if __name__ == "__main__":
    main()
