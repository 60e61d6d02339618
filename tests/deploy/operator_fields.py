"""The fields of the two operators' own kinds, for which no package here has a schema.

Names by the operators' published APIs: SparkApplication v1beta2 and PodMonitor v1.
"""

from __future__ import annotations

from collections.abc import Iterator

from deploy.manifests import Tree

_POD = (
    "affinity annotations configMaps coreLimit coreRequest cores dnsConfig env envFrom gpu "
    "hostAliases hostNetwork image initContainers javaOptions labels lifecycle memory "
    "memoryOverhead nodeSelector podSecurityContext ports priorityClassName runtimeClassName "
    "schedulerName secrets securityContext serviceAccount shareProcessNamespace sidecars template "
    "terminationGracePeriodSeconds tolerations volumeMounts"
)
FIELDS = {
    "SparkApplication": {
        "spec": (
            "arguments batchScheduler batchSchedulerOptions deps driver driverIngressOptions "
            "dynamicAllocation executor failureRetries hadoopConf hadoopConfigMap image "
            "imagePullPolicy imagePullSecrets mainApplicationFile mainClass memoryOverheadFactor "
            "mode monitoring nodeSelector proxyUser pythonVersion restartPolicy retryInterval "
            "sparkConf sparkConfigMap sparkUIOptions sparkVersion timeToLiveSeconds type volumes"
        ),
        "spec.driver": f"{_POD} kubernetesMaster podName serviceAnnotations serviceLabels",
        "spec.executor": f"{_POD} deleteOnTermination instances",
        "spec.restartPolicy": (
            "onFailureRetries onFailureRetryInterval onSubmissionFailureRetries "
            "onSubmissionFailureRetryInterval type"
        ),
    },
    "PodMonitor": {
        "spec": (
            "attachMetadata bodySizeLimit jobLabel keepDroppedTargets labelLimit "
            "labelNameLengthLimit labelValueLengthLimit namespaceSelector podMetricsEndpoints "
            "podTargetLabels sampleLimit scrapeClass scrapeProtocols selector targetLimit"
        ),
        "spec.podMetricsEndpoints": (
            "authorization basicAuth bearerTokenSecret enableHttp2 filterRunning followRedirects "
            "honorLabels honorTimestamps interval metricRelabelings oauth2 params path port "
            "portNumber proxyUrl relabelings scheme scrapeTimeout targetPort tlsConfig "
            "trackTimestampsStaleness"
        ),
    },
}
"""The names that each part of a kind may have."""


def unknown_fields(manifest: Tree) -> list[str]:
    """Fields of a manifest that its kind does not have, with the way to them."""
    return [
        f"{place}.{name}"
        for place, names in FIELDS[manifest["kind"]].items()
        for part in _parts(manifest, place)
        for name in sorted(part.keys() - set(names.split()))
    ]


def _parts(manifest: Tree, place: str) -> Iterator[Tree]:
    found: Tree | list[Tree] = manifest
    for name in place.split("."):
        assert isinstance(found, dict)
        found = found[name]
    yield from found if isinstance(found, list) else [found]
