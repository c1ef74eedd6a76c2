"""File, environment and options, in that order; every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.settings import Settings, SettingsError, load


def test_has_defaults_that_only_this_machine_can_reach() -> None:
    settings = load(environ={})
    assert settings == Settings()
    assert settings.host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "text"),
    [("s.toml", "port = 9\n[audio]\nidle_s = 60"), ("s.yaml", "port: 9\naudio: {idle_s: 60}")],
)
def test_reads_a_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    settings = load(tmp_path / name, environ={})
    assert (settings.port, settings.audio.idle_s, settings.audio.hello_s) == (9, 60, 10)


def test_environment_overrides_the_file_and_options_override_both(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("port: 9\nhost: 127.0.0.9\nasr: here")
    environ = {
        "TINGBAN_CONFIG": str(file),
        "TINGBAN_PORT": "10",
        "TINGBAN_HOST": "127.0.0.10",
        "TINGBAN_CALLS__RESUME_S": "5",
    }
    settings = load(None, {"port": 11, "asr": None}, environ)
    assert (settings.port, settings.host, settings.asr) == (11, "127.0.0.10", "here")
    assert settings.calls.resume_s == 5


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("prot: 9", "prot"),
        ("audio: {idle_s: -1}", "audio.idle_s"),
        ("[1, 2]", "table"),
        ("port: [", "s.yaml"),
    ],
)
def test_names_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=named):
        load(file, environ={})


def test_names_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", environ={})


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("")
    assert load(file, environ={}) == Settings()


def test_leaves_the_variables_of_others_alone() -> None:
    assert load(environ={"TINGBAN_TEST_WHATEVER": "1", "PORT": "5"}) == Settings()


def test_cannot_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings().port = 5  # type: ignore[misc]


def test_every_setting_is_documented() -> None:
    from pydantic import BaseModel

    import server

    text = (Path(next(iter(server.__path__))) / "README.md").read_text("utf-8")

    def names(model: type[BaseModel], prefix: str = "") -> list[str]:
        found = []
        for name, field in model.model_fields.items():
            if isinstance(field.default, BaseModel):
                found += names(type(field.default), f"{prefix}{name}.")
            else:
                found.append(prefix + name)
        return found

    missing = [name for name in names(Settings) if f"| `{name}` |" not in text]
    assert missing == []
