"""What every pod of the documentation's Kubernetes files holds to."""

from __future__ import annotations

from typing import Any


def assert_restricted(pod: dict[str, Any]) -> None:
    """Check a pod against Kubernetes' "restricted" standard, and for limits and a fixed root."""
    assert pod["automountServiceAccountToken"] is False
    of_pod = pod["securityContext"]
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["runAsUser"] > 0
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys()
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "hostPort" not in str(container["ports"])
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    assert all("hostPath" not in volume for volume in pod["volumes"])
