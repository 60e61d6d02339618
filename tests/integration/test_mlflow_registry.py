"""A model from MLflow's registry: a real server, and the client that the extra's lock names."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest
from job import HOME

from churn_tools.training.data import write_synthetic_csv
from sandbox.ports import LOOPBACK, free_port
from telco_churn.model.manifest import read_manifest

LOCK = HOME / "requirements-mlflow.lock"
START_SECONDS = 120.0
REGISTERED_BY_A_USER = """
import sys
import mlflow

with mlflow.start_run() as run:
    mlflow.log_artifacts(sys.argv[1], "model")
client = mlflow.MlflowClient()
client.create_registered_model("churn")
made = client.create_model_version("churn", f"runs:/{run.info.run_id}/model", run.info.run_id)
client.set_registered_model_alias("churn", "champion", made.version)
"""
# Beside the pipeline, as MLflow lays out a model of Spark.
FLAVOUR = "artifact_path: model\nflavors:\n  spark:\n    model_data: sparkml\n"


def new_environment(path: Path, *packages: str) -> Path:
    """Python of an environment with these packages, and behind them those of this one."""
    # A server has some hundred of them: minutes for pip.
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, path], check=True)
    python = path / "bin" / "python"
    install = (str(uv), "pip", "install", "--quiet", "--python", str(python))
    subprocess.run([*install, *packages], check=True)
    (site,) = path.glob("lib/python*/site-packages")
    (site / "behind.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("client")
    return new_environment(path, "--require-hashes", "-r", str(LOCK))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; runs, models and aliases in SQLite, files in a directory."""
    directory = tmp_path_factory.mktemp("server")
    (version,) = re.findall(r"^mlflow-skinny==(\S+)", LOCK.read_text("utf-8"), re.MULTILINE)
    python = new_environment(directory / "environment", f"mlflow=={version}")
    port = free_port()
    command = [
        *(str(python), "-m", "mlflow", "server", "--host", LOOPBACK, "--port", str(port)),
        *("--workers", "1", "--backend-store-uri", f"sqlite:///{directory}/mlflow.db"),
        *("--artifacts-destination", str(directory / "files")),
    ]
    with (
        (directory / "server.log").open("w") as log,
        subprocess.Popen(
            command, cwd=directory, stdout=log, stderr=log, env=quiet(), start_new_session=True
        ) as process,
    ):
        try:
            wait_for(f"http://{LOOPBACK}:{port}/health", process)
            yield f"http://{LOOPBACK}:{port}"
        finally:
            # Its workers end with it, once it is asked to.
            process.terminate()
            process.wait(30)


def quiet(**more: str) -> Mapping[str, str]:
    return {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", **more}


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urlopen(address, timeout=5).close()
            return
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.5)


@pytest.mark.slow
def test_a_model_is_adopted_by_its_alias_and_what_is_not_there_is_one_line(
    tmp_path: Path, client: Path, server: str
) -> None:
    write_synthetic_csv(tmp_path / "customers.csv", 1_000, seed=31)
    environment = quiet(MLFLOW_TRACKING_URI=server, PYTHONPATH=str(HOME / "lib"))
    shutil.copytree(HOME / "models" / "churn" / "pipeline", tmp_path / "logged" / "sparkml")
    (tmp_path / "logged" / "MLmodel").write_text(FLAVOUR)
    logged = subprocess.run(
        [client, "-c", REGISTERED_BY_A_USER, "logged"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert logged.returncode == 0, logged.stderr

    def adopt(python: Path | str, location: str, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(python, HOME / "jobs" / "model.py", "adopt", location, "--model-version", name),
                *("--judge", "customers.csv", "--model-path", str(tmp_path / "models" / "churn")),
            ],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    told = adopt(client, "models:/churn@champion", "champion")
    assert told.returncode == 0, told.stderr
    manifest = read_manifest(tmp_path / "models" / "versions" / "champion")
    assert manifest.classifier == "LogisticRegressionModel"
    assert "adopted from models:/churn@champion; judged on" in manifest.training_data
    assert manifest.evaluation is not None
    assert manifest.evaluation.auc > 0.8
    refused = adopt(client, "models:/churn@nobody", "nobody")
    assert refused.returncode == 3
    assert refused.stderr.splitlines()[-1].startswith(
        "model: MLflow does not give models:/churn@nobody: RestException"
    )
    assert "Traceback" not in refused.stderr
    without = adopt(sys.executable, "models:/churn@champion", "without")
    assert without.returncode == 2
    assert "needs MLflow's client" in without.stderr
