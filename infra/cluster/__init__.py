"""A trial of the manifests on a real Kubernetes of one node: `python -m infra.cluster`."""
