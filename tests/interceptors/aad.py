# SPDX-License-Identifier: Apache-2.0
"""What NMI's clusters hold: the custom resources of aad-pod-identity v1.8.17, pkg/apis, a secret."""
from node.clients import catalog

GROUP = "aadpodidentity.k8s.io/v1"
NODE_NAME = "simulated"
NAMESPACE = "shop"

# client ids: one that IMDS refuses, one that it throttles once, any other
REFUSED, THROTTLED, OWN = (f"{n}0000000-0000-4000-8000-000000000000" for n in (3, 4, 5))
RESOURCE_ID = "/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/id"
SECRET = {"apiVersion": "v1", "kind": "Secret",
          "metadata": {"name": "principal", "namespace": NAMESPACE},
          "data": {"secret": "bWFkZS11cC12YWx1ZQ=="}}
PRINCIPAL = {"type": 1, "tenantID": catalog.TENANT,
             "clientPassword": {"name": "principal", "namespace": NAMESPACE}}


def _object(kind, name, labels=None, **fields):
    return {"apiVersion": GROUP, "kind": kind, **fields, "metadata": {
        "name": name, "namespace": NAMESPACE, "resourceVersion": "1", "labels": labels or {}}}


def identity(name, **spec):
    """Of a user-assigned identity, unless spec says otherwise."""
    return _object("AzureIdentity", name, spec={
        "type": 0, "clientID": OWN, "resourceID": RESOURCE_ID, **spec})


def binding(name):
    return _object("AzureIdentityBinding", name, spec={"azureIdentity": name, "selector": name})


def assigned(pod, state="Assigned", **spec):
    """What MIC writes for a pod that is bound to the identity of its own name."""
    return _object("AzureAssignedIdentity", f"{pod}-{NAMESPACE}-{pod}", {"nodename": NODE_NAME},
                   spec={"azureIdentityRef": identity(pod, **spec), "azureBindingRef": binding(pod),
                         "pod": pod, "podNamespace": NAMESPACE, "nodename": NODE_NAME},
                   status={"status": state})


def exception(app):
    return _object("AzurePodIdentityException", app, spec={"podLabels": {"app": app}})


def cluster(**lists):
    """For scenario.kube_api. Lists by resource: objects, or (seconds, object) where it is later."""
    kinds = {"azureassignedidentities": "AzureAssignedIdentity", "azureidentities": "AzureIdentity",
             "azureidentitybindings": "AzureIdentityBinding",
             "azurepodidentityexceptions": "AzurePodIdentityException"}
    return {"objects": {f"/api/v1/namespaces/{NAMESPACE}/secrets/principal": SECRET},
            "lists": {f"/apis/{GROUP}/{name}": [kind, GROUP, [
                one if isinstance(one, tuple) else (0.0, one) for one in lists.get(name, ())]]
                for name, kind in kinds.items()}}
