# SPDX-License-Identifier: Apache-2.0
"""Answer bodies of the size and shape that the real end-points send. All values are made up."""
import base64
import hashlib
import json
import time


def text(seed, length):
    """Printable, incompressible, and the same for the same seed."""
    out = b""
    block = seed.encode()
    while len(out) < length:
        block = hashlib.sha256(block).digest()
        out += base64.b64encode(block).rstrip(b"=")
    return out[:length].decode().replace("+", "A").replace("/", "B")


def jwt(subject, audience, length=1152):
    """A token of the shape that the API server projects; its signature is noise."""
    def part(obj):
        return base64.urlsafe_b64encode(json.dumps(obj).encode()).rstrip(b"=").decode()

    now = int(time.time())
    head = part({"alg": "RS256", "kid": text(subject, 40)})
    body = part({"aud": [audience], "exp": now + 86400, "iat": now, "nbf": now, "sub": subject,
                 "iss": "https://oidc.eks.us-east-1.amazonaws.com/id/"
                        + text("issuer", 32).upper()})
    return f"{head}.{body}." + text(subject + "sig", max(64, length - len(head) - len(body) - 2))


def expiration(seconds=21600):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def aws(seed, session_length=1100):
    return {"key": "ASIA" + text(seed, 16).upper(), "secret": text(seed + "secret", 40),
            "session": text(seed + "session", session_length)}


def pod_identity(seed, session_length=1100):
    c = aws(seed, session_length)
    return json.dumps({"AccessKeyId": c["key"], "SecretAccessKey": c["secret"],
                       "Token": c["session"], "AccountId": "111122223333",
                       "Expiration": expiration()}, separators=(",", ":")).encode()


def eks_auth(seed):
    c = aws(seed)
    role = "arn:aws:sts::111122223333:assumed-role/payments"
    return json.dumps({
        "assumedRoleUser": {"arn": f"{role}/eks-demo-pod-0a1b", "assumeRoleId": "AROAEXAMPLE:eks"},
        "audience": "pods.eks.amazonaws.com",
        "credentials": {"accessKeyId": c["key"], "secretAccessKey": c["secret"],
                        "sessionToken": c["session"], "expiration": int(time.time()) + 21600},
        "podIdentityAssociation": {"associationArn": "arn:aws:eks:us-east-1:111122223333:a/demo/a-1",
                                   "associationId": "a-1"},
        "subject": {"namespace": "shop", "serviceAccount": "payer"}}).encode()


def imds_role(seed):
    c = aws(seed)
    return json.dumps({"Code": "Success", "LastUpdated": expiration(0), "Type": "AWS-HMAC",
                       "AccessKeyId": c["key"], "SecretAccessKey": c["secret"],
                       "Token": c["session"], "Expiration": expiration()}, indent=2).encode()


def _sts(action, inner):
    return (f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n'
            f"  <{action}Result>\n{inner}\n  </{action}Result>\n  <ResponseMetadata>\n"
            "    <RequestId>0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9</RequestId>\n"
            f"  </ResponseMetadata>\n</{action}Response>\n").encode()


def sts_credentials(action, seed, seconds=3600, role="payments"):
    c = aws(seed)
    extra = ""
    if action == "AssumeRoleWithWebIdentity":
        extra = ("    <Audience>sts.amazonaws.com</Audience>\n    <Provider>arn:aws:iam::"
                 "111122223333:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE"
                 "</Provider>\n    <SubjectFromWebIdentityToken>system:serviceaccount:shop:"
                 f"{role}</SubjectFromWebIdentityToken>\n")
    return _sts(action, f"""{extra}    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLEEXAMPLE123:session</AssumedRoleId>
      <Arn>arn:aws:sts::111122223333:assumed-role/{role}/session</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{c['key']}</AccessKeyId>
      <SecretAccessKey>{c['secret']}</SecretAccessKey>
      <SessionToken>{c['session']}</SessionToken>
      <Expiration>{expiration(seconds)}</Expiration>
    </Credentials>""")


def sts_identity():
    return _sts("GetCallerIdentity", """    <Arn>arn:aws:sts::111122223333:assumed-role/x/y</Arn>
    <UserId>AROAEXAMPLEEXAMPLE123:y</UserId>
    <Account>111122223333</Account>""")


def sts_error(code, message):
    return (f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n'
            f"    <Type>Sender</Type>\n    <Code>{code}</Code>\n    <Message>{message}</Message>\n"
            "  </Error>\n  <RequestId>0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9</RequestId>\n"
            "</ErrorResponse>\n").encode()


def azure_token(seed, nmi=False):
    now = int(time.time())
    token = {"access_token": text(seed, 1500), "refresh_token": "", "expires_in": "86399",
             "expires_on": str(now + 86399), "not_before": str(now - 300),
             "resource": "https://vault.azure.net", "token_type": "Bearer"}
    if not nmi:
        token.pop("refresh_token")
        token.update({"client_id": "11111111-2222-3333-4444-555555555555",
                      "ext_expires_in": "86399"})
    return json.dumps(token, separators=(",", ":")).encode()


def entra_token(seed):
    return json.dumps({"token_type": "Bearer", "expires_in": 86399, "ext_expires_in": 86399,
                       "access_token": text(seed, 1500)}, separators=(",", ":")).encode()


def entra_discovery(host, path):
    """Instance and OpenID discovery, as far as the MSAL libraries read them."""
    tenant = path.split("/")[1]
    base = f"https://{host}/{tenant}"
    if "/discovery/instance" in path:
        names = [host, "login.windows.net", "login.microsoft.com", "sts.windows.net"]
        document = {"tenant_discovery_endpoint": f"{base}/v2.0/.well-known/openid-configuration",
                    "api-version": "1.1", "metadata": [
                        {"preferred_network": host, "preferred_cache": "login.windows.net",
                         "aliases": names}]}
    else:
        document = {"token_endpoint": f"{base}/oauth2/v2.0/token",
                    "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                    "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                    "jwks_uri": f"{base}/discovery/v2.0/keys", "issuer": f"{base}/v2.0",
                    "tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com"}
    return json.dumps(document, separators=(",", ":")).encode()
