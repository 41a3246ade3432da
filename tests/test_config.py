import tomllib
from pathlib import Path

import msgspec
import pytest

from healthbox.config import Settings, example, load, rows
from healthbox.domain.errors import Invalid

TOP = Path(__file__).parent.parent


def write(folder: Path, text: str) -> Path:
    file = folder / "config.toml"
    file.write_text(text, "utf-8")
    return file


def test_nothing_is_required(tmp_path):
    settings = load(tmp_path, {})
    assert settings == Settings(data=tmp_path)
    assert (settings.port, settings.base_url, settings.trusted_proxies) == (8765, "", ())
    assert load(None, {}).data == Path("data")


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(tmp_path):
    write(tmp_path, 'port = 9000\nthreads = 4\nmetrics_networks = ["10.0.0.0/8"]\n')
    env = {"HEALTHBOX_PORT": "9100", "HEALTHBOX_TRUSTED_PROXIES": "172.16.0.0/12, ::1", "HEALTHBOX_POLL_SECONDS": "0.2"}
    settings = load(tmp_path, env)
    assert (settings.port, settings.threads, settings.host) == (9100, 4, "0.0.0.0")
    assert settings.metrics_networks == ("10.0.0.0/8",)
    assert settings.trusted_proxies == ("172.16.0.0/12", "::1")
    assert settings.poll_seconds == 0.2


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_a_switch_is_read_from_the_environment(tmp_path, text, expected):
    assert load(tmp_path, {"HEALTHBOX_ALLOW_LOOPBACK_TARGETS": text}).allow_loopback_targets is expected


def test_an_empty_variable_counts_as_unset(tmp_path):
    write(tmp_path, "port = 9000\n")
    assert load(tmp_path, {"HEALTHBOX_PORT": "", "HEALTHBOX_DATA": ""}).port == 9000


def test_the_command_line_names_the_data_folder_before_the_environment_does(tmp_path):
    (tmp_path / "env").mkdir()
    write(tmp_path / "env", "port = 9000\n")
    env = {"HEALTHBOX_DATA": str(tmp_path / "env")}
    assert (load(None, env).data, load(None, env).port) == (tmp_path / "env", 9000)
    assert load(tmp_path, env) == Settings(data=tmp_path)


def test_the_file_may_lie_elsewhere_and_then_may_name_the_data_folder(tmp_path):
    file = write(tmp_path, 'data = "/srv/health"\n')
    assert load(None, {"HEALTHBOX_CONFIG": str(file)}).data == Path("/srv/health")
    assert load(tmp_path / "other", {"HEALTHBOX_CONFIG": str(file)}).data == tmp_path / "other"
    with pytest.raises(Invalid, match="data cannot be set"):
        load(tmp_path, {})
    with pytest.raises(Invalid, match="no file"):
        load(None, {"HEALTHBOX_CONFIG": str(tmp_path / "absent.toml")})


def test_a_misspelt_key_is_named_together_with_the_nearest_one(tmp_path):
    write(tmp_path, "retension_days = 30\n")
    with pytest.raises(Invalid, match="retension_days") as problem:
        load(tmp_path, {})
    assert problem.value.hint == "Did you mean retention_days?"


def test_a_misspelt_variable_is_named_and_a_foreign_one_is_left_alone(tmp_path):
    with pytest.raises(Invalid, match="HEALTHBOX_TRUSTED_PROXY") as problem:
        load(tmp_path, {"HEALTHBOX_TRUSTED_PROXY": "10.0.0.1"})
    assert problem.value.hint == "Did you mean HEALTHBOX_TRUSTED_PROXIES?"
    foreign = {"HEALTHBOX_SERVICE_HOST": "10.0.0.7", "HEALTHBOX_PORT_8765_TCP_ADDR": "10.0.0.7", "PATH": "/bin"}
    assert load(tmp_path, foreign) == Settings(data=tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        'port = "many"',
        'port = "8765"',
        "port = 70000",
        "backup_hour = 24",
        "threads = 0",
        'log_level = "loud"',
        'base_url = "health.example.org"',
        'trusted_proxies = ["everyone"]',
        'metrics_networks = "10.0.0.0/8"',
        "vault_key_file = 5",
        "data = 5",
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_key_and_meaning(tmp_path, line):
    file = write(tmp_path, line + "\n")
    with pytest.raises(Invalid, match=line.split()[0]) as problem:
        load(None, {"HEALTHBOX_CONFIG": str(file)})
    assert str(file) in problem.value.message
    assert "Default: " in problem.value.hint


def test_a_broken_file_is_refused_in_words(tmp_path):
    write(tmp_path, "port: 8765\n")
    with pytest.raises(Invalid, match="not valid TOML"):
        load(tmp_path, {})


def test_base_url_loses_its_last_slash(tmp_path):
    assert load(tmp_path, {"HEALTHBOX_BASE_URL": "https://health.home.arpa/health/"}).base_url == "https://health.home.arpa/health"


def test_the_example_file_is_the_generated_one():
    assert (TOP / "config.example.toml").read_text("utf-8") == example(), "run: python -m healthbox.config > config.example.toml"


def test_the_example_uncommented_is_valid_and_changes_nothing(tmp_path):
    lines = [line.removeprefix("# ") for line in example().splitlines() if " = " in line]
    assert [line.split(" = ")[0] for line in lines] == list(Settings.__struct_fields__)
    file = write(tmp_path, "\n".join(lines))
    assert load(None, {"HEALTHBOX_CONFIG": str(file)}) == Settings()
    assert tomllib.loads(file.read_text("utf-8"))["port"] == 8765


def test_each_setting_says_what_it_means():
    assert all(len(row.meaning) > 20 and row.env == f"HEALTHBOX_{row.name.upper()}" for row in rows())


def test_settings_cannot_be_changed_in_passing():
    with pytest.raises(AttributeError):
        Settings().port = 1
    assert msgspec.structs.replace(Settings(), port=1).port == 1
