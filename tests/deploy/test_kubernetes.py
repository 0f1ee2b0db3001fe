"""The manifests that are shipped: as Kubernetes' schemas have them, and each fits the others and the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from gateway.app import NOTICE_S, SPREAD_PAGES_S, SPREAD_TUNNELS_S
from gateway.config import Config, parse_address
from gateway.config.addresses import TcpAddress
from gateway.metrics import Metrics
from tests.deploy.processes import ROOT, key_files, load_shipped

SHIPPED = ROOT / "deploy/kubernetes"
OLDEST = "1.30"  # as the README has it
MONITOR = "ServiceMonitor"  # the Prometheus operator's; Kubernetes has no schema of it


def read(name: str) -> Any:
    return yaml.safe_load((SHIPPED / name).read_text())


def manifests() -> Iterator[Any]:
    """Everything that `kubectl apply -k` sends, as it stands in the files, and the example of a secret."""
    for name in [*read("kustomization.yaml")["resources"], "secret.example.yaml"]:
        yield from yaml.safe_load_all((SHIPPED / name).read_text())


def the(kind: str, name: str = "link-gateway") -> Any:
    (found,) = (each for each in manifests() if each["kind"] == kind and each["metadata"]["name"] == name)
    return found


def pod() -> Any:
    return the("Deployment")["spec"]["template"]


def container() -> Any:
    (only,) = pod()["spec"]["containers"]
    return only


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """What a pod's gateway reads."""
    environ = {entry["name"]: "redis://valkey:6379/0" for entry in container()["env"]}
    return load_shipped(SHIPPED / "gateway.toml", environ, tmp_path)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("manifest", list(manifests()), ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_a_manifest_is_as_kubernetes_has_it(manifest, version) -> None:
    """By its published schema, strictly: no key is unknown."""
    if manifest["kind"] != MONITOR:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_wrong_manifest_is_noticed() -> None:
    """The schemas are strict."""
    wrong = the("PodDisruptionBudget")
    wrong["spec"]["maxUnavailible"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, OLDEST, strict=True)


def test_every_file_is_used() -> None:
    """Nothing lies about that `kubectl apply -k` forgets, and nothing it asks for is missing."""
    kustomization = read("kustomization.yaml")
    (config_map,) = kustomization["configMapGenerator"]
    others = {"README.md", "kustomization.yaml", "secret.example.yaml", "prometheus-adapter.yaml"}
    used = {*kustomization["resources"], *config_map["files"], *others}
    assert used == {path.name for path in SHIPPED.iterdir()}
    assert [image["name"] for image in kustomization["images"]] == [container()["image"]]


def test_the_monitor_finds_the_internal_service_and_calls_the_job_as_the_alerts_do() -> None:
    """Its labels, its port, its job; no key that the operator does not know."""
    monitor, service = the(MONITOR), the("Service", "link-gateway-internal")
    assert set(monitor["spec"]) <= {"jobLabel", "selector", "endpoints", "namespaceSelector"}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert service["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "link-gateway"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert set(endpoint) <= {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    (scrape,) = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    assert scrape["job_name"] == "link-gateway"


def test_whatever_chooses_pods_chooses_the_gateways() -> None:
    """Services, budget, network and spread name the labels that pods have."""
    labels = pod()["metadata"]["labels"].items()
    services = [the("Service"), the("Service", "link-gateway-internal")]
    chosen = [service["spec"]["selector"] for service in services]
    chosen += [the("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]]
    chosen += [the("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]]
    chosen += [the("Deployment")["spec"]["selector"]["matchLabels"]]
    chosen += [rule["labelSelector"]["matchLabels"] for rule in pod()["spec"]["topologySpreadConstraints"]]
    assert all(one.items() <= labels for one in chosen)
    assert the("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == the("Deployment")["metadata"]["name"]


def test_the_ports_are_those_the_gateway_listens_on(config) -> None:
    """By name everywhere, by number in the configuration and the container."""
    server, ports = config.server, {port["name"]: port["containerPort"] for port in container()["ports"]}
    assert parse_address(server.public) == TcpAddress("0.0.0.0", ports["public"])
    assert parse_address(server.internal) == TcpAddress("0.0.0.0", ports["internal"])
    services = [the("Service"), the("Service", "link-gateway-internal")]
    named = [port["targetPort"] for service in services for port in service["spec"]["ports"]]
    named += [container()[f"{probe}Probe"]["httpGet"]["port"] for probe in ("startup", "readiness", "liveness")]
    named += [port["port"] for rule in the("NetworkPolicy")["spec"]["ingress"] for port in rule["ports"]]
    assert set(named) == set(ports)


def test_a_pod_is_given_longer_than_a_drain_takes(config) -> None:
    """No call is killed: Kubernetes waits longer than the longest drain."""
    pause_s = container()["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest_s = pause_s + NOTICE_S + SPREAD_PAGES_S + config.server.drain_max_s + SPREAD_TUNNELS_S
    assert pod()["spec"]["terminationGracePeriodSeconds"] > longest_s + 60


def test_a_pod_is_as_the_restricted_standard_asks() -> None:
    """Not root, nothing writable but memory, no capabilities, no token of the cluster's."""
    spec, own = pod()["spec"], container()["securityContext"]
    assert (spec["automountServiceAccountToken"], spec["securityContext"]["runAsNonRoot"]) == (False, True)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {kind for volume in spec["volumes"] for kind in volume} == {"name", "configMap", "secret", "emptyDir"}


def test_what_a_pod_reads_is_there(config) -> None:
    """Configuration and keys are mounted where the gateway looks, from the secret as the example has it."""
    secret = the("Secret")
    mounts = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod()["spec"]["volumes"]}
    keys = {f"{mounts['keys']}/{item['path']}" for item in volumes["keys"]["secret"]["items"]}
    assert keys == key_files(SHIPPED / "gateway.toml")
    assert volumes["keys"]["secret"]["secretName"] == secret["metadata"]["name"]
    wanted = {item["key"] for item in volumes["keys"]["secret"]["items"]}
    wanted |= {entry["valueFrom"]["secretKeyRef"]["key"] for entry in container()["env"]}
    assert wanted == set(secret["stringData"])
    assert container()["args"][-1] == f"{mounts['config']}/gateway.toml"
    assert config.store.state_dir == mounts["tmp"]


def test_it_scales_by_a_metric_that_a_gateway_exports() -> None:
    """The adapter's rule makes the very name that the autoscaler asks for."""
    (rule,) = read("prometheus-adapter.yaml")["rules"]["custom"]
    asked = [each["pods"]["metric"]["name"] for each in the("HorizontalPodAutoscaler")["spec"]["metrics"][:1]]
    exported = Metrics().exposition("")[1].decode()
    assert asked == [rule["name"]["as"]]
    assert f"# TYPE {asked[0]} gauge" in exported
    assert rule["seriesQuery"].startswith(asked[0] + "{")


def test_the_example_of_a_secret_holds_no_secret() -> None:
    """Whoever applies it unchanged is told: each value says CHANGE-ME."""
    assert all("CHANGE-ME" in value for value in the("Secret")["stringData"].values())
