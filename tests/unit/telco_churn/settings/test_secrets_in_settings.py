"""No secret is shown, whichever option of whichever command it was given to, and from where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from churn_tools.producer.settings import ProducerSettings
from churn_tools.skip_record import SkipSettings
from churn_tools.training.command import TrainSettings
from churn_tools.verify.command import VerifySettings
from sandbox.monitoring.command import MonitoringSettings
from sandbox.plan import SandboxSettings
from stream_telemetry.errors import TelemetryError
from stream_telemetry.options import Option, options_of
from stream_telemetry.outlets.gateway import Gateway
from stream_telemetry.outlets.settings import read_login
from stream_telemetry.outlets.tls import Tls
from telco_churn.errors import SettingsError
from telco_churn.outcome.message_ids import make_message_id
from telco_churn.outcome.settings import MessageIdSettings
from telco_churn.query.settings import BrokerSettings
from telco_churn.settings.flags import Command, sections_of
from telco_churn.settings.job import Settings, job_options
from telco_churn.settings.resolve import described, read, read_settings, variable_of

CANARY = "canary-51c7"
IN_URLS = (
    f"http://somebody:{CANARY}@host:9091",
    f"s3a://somebody:{CANARY}@bucket/path",
    f"http://somebody:1/{CANARY}@host",
    f"http://somebody:1#{CANARY}@host",
    f"http://somebody:1?{CANARY}@host",
)
COMMANDS = (
    *(Settings, ProducerSettings, SkipSettings, TrainSettings, VerifySettings),
    *(MonitoringSettings, SandboxSettings),
)
TYPED = [
    pytest.param(kind, option, id=f"{kind.__name__}-{option.name}")
    for kind in COMMANDS
    for section in sections_of(kind).values()
    for option in options_of(section)
    if option.kind == "value"
]
JOB = [pytest.param(option, id=option.name) for option in job_options()]
FILES = [pytest.param(o, id=o.name) for o in job_options() if o.metavar == "FILE"]
# What reads each of them, as the job does when it starts.
READERS: Mapping[str, Callable[[Path], object]] = {
    "kafka_config": lambda path: BrokerSettings(kafka_config=path),
    "metrics_tls_cert": lambda path: Tls(path, path).context(),
    "metrics_tls_key": lambda path: Tls(path, path).context(),
    "metrics_client_ca": lambda path: Tls(path, path, path).context(),
    "metrics_login_file": read_login,
    "pushgateway_login_file": read_login,
    "pushgateway_ca": lambda path: Gateway("http://x:1", "job", "instance", ca=path).check(),
    "log_key_file": lambda path: make_message_id(
        MessageIdSettings(log_message_id="hashed", log_key_file=path)
    ),
}
CONTENTS = (
    CANARY[:10],
    f"{CANARY[:10]}=",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY[:10]}\n-----END PRIVATE KEY-----\n",
    f"ssl.keystore.key=-----BEGIN PRIVATE KEY-----\n{CANARY[:10]}+/8=\n-----END PRIVATE KEY-----",
    f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.password=x${{{CANARY[:10]}:y}}",
    f"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config={CANARY[:10]}",
    f"""security.protocol=SASL_SSL
sasl.mechanism=OAUTHBEARER
sasl.oauthbearer.client.credentials.client.id=churn
sasl.oauthbearer.client.credentials.client.secret={CANARY}
sasl.oauthbearer.token.endpoint.url=http://a:{CANARY}@host/""",
)


def refused(arguments: Sequence[str], environment: Mapping[str, str], kind: type = Settings) -> str:
    command = Command("test", "", reads_config=kind is Settings)
    with pytest.raises(SettingsError) as caught:
        read(kind, command, arguments, environment)
    return str(caught.value)


def wherever(
    option: Option, text: str, directory: Path
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Command line and environment that give this option from its three places in turn."""
    config = directory / "job.toml"
    config.write_text(f"{option.name} = '{text}'\n", "utf-8")
    yield [f"{option.flag}={text}"], {}
    yield [], {variable_of(option): text}
    yield ["--config", str(config)], {}


@pytest.mark.parametrize("text", IN_URLS)
@pytest.mark.parametrize(("kind", "option"), TYPED)
def test_a_password_in_a_url_is_refused_on_every_command_line(
    kind: type, option: Option, text: str
) -> None:
    assert CANARY not in refused([f"{option.flag}={text}"], {}, kind)


@pytest.mark.parametrize("option", JOB)
def test_elsewhere_only_an_option_that_is_a_url_may_hold_one_and_it_is_masked(
    option: Option, tmp_path: Path
) -> None:
    for text in IN_URLS:
        for arguments, environment in list(wherever(option, text, tmp_path))[1:]:
            if option.metavar == "URL" and text == IN_URLS[0]:
                shown = described(read_settings(arguments, environment))
                assert shown[option.name] == "http://***@host:9091"
            else:
                assert CANARY not in refused(arguments, environment)


@pytest.mark.parametrize("option", [o for o in job_options() if o.is_secret], ids=lambda o: o.name)
@pytest.mark.parametrize("text", [CANARY, f"somebody:{CANARY}", f"{CANARY}/x==", f"/{CANARY}+"])
def test_a_secret_in_the_place_of_its_file_is_not_shown(
    option: Option, text: str, tmp_path: Path
) -> None:
    for arguments, environment in wherever(option, text, tmp_path):
        assert "'***' is not a file" in (line := refused(arguments, environment))
        assert CANARY not in line


@pytest.mark.parametrize("word", [f"--pushgateway-pasword={CANARY}", f"--metric-login={CANARY}"])
def test_what_follows_an_unknown_flag_is_not_shown(word: str) -> None:
    assert CANARY not in refused([word], {})


def test_each_option_that_names_a_file_is_tried_with_a_wrong_one() -> None:
    assert READERS.keys() == {o.name for o in job_options() if o.metavar == "FILE"}


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("option", FILES)
def test_a_file_that_cannot_be_used_is_refused_without_what_is_in_it(
    option: Option, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.touch(mode=0o600)
    path.write_text(content, "utf-8")
    line = ""
    try:
        READERS[option.name](path)
    except (SettingsError, TelemetryError) as error:
        line = str(error)
    assert "canary" not in line
    assert line or option.name != "kafka_config"


@pytest.mark.parametrize(
    "option",
    # Of that file some hold no secret; the others are refused where it is read.
    [o for o in job_options() if o.is_secret and o.name != "kafka_config"],
    ids=lambda o: o.name,
)
def test_a_secret_that_everybody_may_read_is_refused(option: Option, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text(CANARY, "utf-8")
    path.chmod(0o644)
    line = refused([f"{option.flag}={path}"], {})
    assert f"{str(path)!r} holds a secret, and everybody on this machine may read it" in line
    path.chmod(0o640)
    assert option.parse(str(path)) == path
