# SPDX-License-Identifier: Apache-2.0
"""The node's pods as API objects: a v1 PodList as `kubectl get pods -o json` prints it, with the
environment, volumes and labels that the providers' webhooks would have put in."""
import os
import zlib

from .clients import catalog
from .clients.__main__ import FLOWS

ENV = {
    "pod-identity": (
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", catalog.PIA_TOKEN)),
    "irsa": (("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/payments"),
             ("AWS_WEB_IDENTITY_TOKEN_FILE", catalog.IRSA_TOKEN)),
    "workload-identity": (
        ("AZURE_CLIENT_ID", "11111111-2222-3333-4444-555555555555"),
        ("AZURE_TENANT_ID", catalog.TENANT), ("AZURE_FEDERATED_TOKEN_FILE", catalog.AZURE_TOKEN),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")),
}
# volume, audience, file
VOLUMES = {
    "pod-identity": ("eks-pod-identity-token", "pods.eks.amazonaws.com", "eks-pod-identity-token"),
    "irsa": ("aws-iam-token", "sts.amazonaws.com", "token"),
    "workload-identity": ("azure-identity-token", "api://AzureADTokenExchange",
                          "azure-identity-token"),
}
TOKENS = {"pod-identity": catalog.PIA_TOKEN, "irsa": catalog.IRSA_TOKEN,
          "workload-identity": catalog.AZURE_TOKEN}
DECLARED_BY = {"eks-pod-identity": "pod-identity", "irsa": "irsa",
               "azure-workload-identity": "workload-identity"}


def declared(container):
    """What a container's spec declares: what boto3 is told, and what other steps use."""
    found = set(container.declares)
    for step in container.steps:
        found.update(filter(None, step.get("declares", "").split("+")))
        if step.get("borrowed"):  # another's token, got from the API server: nothing in the spec
            continue
        names = step.get("requests") or [step.get("request", step["do"])]
        for name in (n for s in names for n in FLOWS.get(s, (s,))):
            mechanism = catalog.TABLE[name][0] if name in catalog.TABLE else None
            if mechanism in DECLARED_BY:
                found.add(DECLARED_BY[mechanism])
    return sorted(found)


def _volume(kind):
    name, audience, path = VOLUMES[kind]
    return {"name": name, "projected": {"sources": [{"serviceAccountToken": {
        "audience": audience, "expirationSeconds": 86400, "path": path}}]}}


def _mount(kind):
    return {"name": VOLUMES[kind][0], "readOnly": True, "mountPath": os.path.dirname(TOKENS[kind])}


def pod(running, node_name):
    spec, kinds, containers = running.spec, set(), []
    for container in spec.containers:
        wanted = declared(container)
        kinds.update(wanted)
        env = container.env.items() if container.command else [
            pair for kind in wanted for pair in ENV[kind]]
        containers.append({"name": container.name, "image": container.image,
                           "env": [{"name": k, "value": v} for k, v in env],
                           "volumeMounts": [_mount(kind) for kind in wanted]})
    pod_hash = f"{zlib.crc32(spec.name.encode()):08x}"
    workload = spec.workload or spec.name
    labels = {"app": workload, "pod-template-hash": pod_hash}
    if spec.intercept.startswith("nmi"):
        labels["aadpodidbinding"] = workload
    if "workload-identity" in kinds:
        labels["azure.workload.identity/use"] = "true"
    labels.update(spec.labels)
    metadata = {"name": spec.name, "namespace": spec.namespace, "uid": running.object_uid,
                "labels": labels, "creationTimestamp": "2026-01-02T03:04:05Z",
                "annotations": dict(spec.annotations)}
    if spec.static:
        metadata["annotations"].update({"kubernetes.io/config.hash": running.uid,
                                        "kubernetes.io/config.mirror": running.uid,
                                        "kubernetes.io/config.source": "file"})
        metadata.update(ownerReferences=[{"apiVersion": "v1", "kind": "Node", "name": node_name,
                                          "uid": "0", "controller": True}])
    else:
        kind, owner = "ReplicaSet", f"{workload}-{pod_hash}"
        if spec.workload_kind != "Deployment":
            kind, owner = spec.workload_kind, workload
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": kind, "name": owner,
                                        "uid": "0", "controller": True}]
    body = {"nodeName": node_name, "hostNetwork": spec.host_network, "containers": containers,
            "volumes": [_volume(kind) for kind in sorted(kinds)]}
    if not spec.static:
        body["serviceAccountName"] = spec.service_account
    ids = running.describe()["containers"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": body, "status": {
        "phase": "Running", "podIP": running.addresses[0], "containerStatuses": [
            {"name": c.name, "containerID": f"containerd://{ids[c.name]}", "restartCount": 0,
             "image": c.image, "ready": True} for c in spec.containers]}}


def daemon(identity, node_name):
    """A DaemonSet's pod on the host's network; identity: as in its truth lines."""
    name, container = identity["workload"], identity["container"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {
        "name": name, "namespace": identity["namespace"], "uid": identity["pod_uid"],
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": name,
                             "uid": "0", "controller": True}]}, "spec": {
                "nodeName": node_name, "hostNetwork": True,
                "serviceAccountName": identity["service_account"],
                "containers": [{"name": container, "image": "registry.example/daemon:1.0"}]},
            "status": {"phase": "Running", "containerStatuses": [
                {"name": container, "containerID": f"containerd://{identity['container_id']}"}]}}


def pod_list(running, node_name):
    return {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"},
            "items": [pod(r, node_name) for r in running]}
