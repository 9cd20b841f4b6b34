# SPDX-License-Identifier: Apache-2.0
"""boto3 as an application uses it. Runs with the interpreter of the virtual environment."""
import os
import urllib.error
import urllib.request

from . import catalog

REGION = "us-east-1"


def _boto3(step):
    import boto3
    import botocore.config
    retries = {"total_max_attempts": step.get("attempts", 1)}
    config = botocore.config.Config(retries=retries, connect_timeout=3, read_timeout=5)
    return boto3.session.Session(region_name=REGION), config


def _environment(step):
    for name in [n for n in os.environ if n.startswith("AWS_") and n != "AWS_CA_BUNDLE"]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "/dev/null"
    declared = step.get("declares", "")
    if "irsa" in declared:
        os.environ["AWS_ROLE_ARN"] = "arn:aws:iam::111122223333:role/payments"
        os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"] = catalog.IRSA_TOKEN
    if "pod-identity" in declared:
        host = "[fd00:ec2::23]" if step.get("family") == 6 else "169.254.170.23"
        os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://{host}/v1/credentials"
        os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = catalog.PIA_TOKEN


def boto3_step(step):
    """Credentials by the SDK's own chain, then the calls named; errors are part of the test."""
    import botocore.exceptions
    _environment(step)
    session, config = _boto3(step)
    try:
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
        for call in step.get("calls", []):
            client = session.client("sts", config=config)
            if call == "gci":
                client.get_caller_identity()
            elif call == "assume-role":
                client.assume_role(RoleArn="arn:aws:iam::444455556666:role/cross-account",
                                   RoleSessionName="chain")
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        return f"{type(error).__name__}"
    return None


def urllib_step(request, timeout):
    """A request through urllib; credential and metadata clients written by hand look like it."""
    url = f"http{'s' if request.tls else ''}://{request.host or request.address}{request.path}"
    wanted = urllib.request.Request(url, request.body or None, dict(request.headers),
                                    method=request.method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(wanted, timeout=timeout) as response:
            return response.status, [], response.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, [], b""
    except (OSError, urllib.error.URLError):
        return 0, [], b""
