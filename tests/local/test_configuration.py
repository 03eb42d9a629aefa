from pathlib import Path

import pytest

from local.configuration import Configuration, InvalidConfiguration


def test_defaults_keep_nothing_and_name_the_endpoint() -> None:
    configuration = Configuration.from_environment({})
    assert configuration == Configuration()
    assert configuration.endpoint == "http://localhost:4599"
    assert configuration.state_dir is None


def test_reads_every_variable(tmp_path: Path) -> None:
    configuration = Configuration.from_environment(
        {
            "GATEWAY_PORT": "5000",
            "STATE_DIR": str(tmp_path),
            "TIME_FACTOR": "2.5",
            "RUNTIME": "podman",
            "PROJECT_ROOT": str(tmp_path),
            "BOOTSTRAP_TEMPLATE": str(tmp_path / "toolkit.yaml"),
            "DECISIONS_FILE": str(tmp_path / "decisions.jsonl"),
            "FAULTS_FILE": str(tmp_path / "faults.json"),
            "HISTORY_EVENTS": "500",
        }
    )
    assert (configuration.port, configuration.time_factor, configuration.runtime) == (5000, 2.5, "podman")
    assert configuration.state_dir == configuration.project_root == tmp_path
    assert configuration.bootstrap_template == tmp_path / "toolkit.yaml"
    assert configuration.decisions_file == tmp_path / "decisions.jsonl"
    assert configuration.faults_file == tmp_path / "faults.json"
    assert configuration.history_events == 500


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GATEWAY_PORT", "0"),
        ("GATEWAY_PORT", "65536"),
        ("GATEWAY_PORT", "http"),
        ("GATEWAY_PORT", ""),
        ("GATEWAY_PORT", "\u0661\u0662"),
        ("TIME_FACTOR", "0"),
        ("TIME_FACTOR", "-1"),
        ("TIME_FACTOR", "nan"),
        ("TIME_FACTOR", "fast"),
        ("RUNTIME", "lxc"),
        ("HISTORY_EVENTS", "1"),
        ("HISTORY_EVENTS", "25001"),
    ],
)
def test_refuses_a_bad_value_and_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(InvalidConfiguration, match=variable):
        Configuration.from_environment({variable: value})
