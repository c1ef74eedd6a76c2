"""Finding models, telling whole ones from damaged ones, fetching what a hub has."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.hub import Announced, Fetched, FetchFailed, fetch
from models.manifest import ModelCard, cards
from models.store import (
    CHECKSUMS,
    FILES,
    ModelDamaged,
    ModelMissing,
    locate,
    read_checksums,
    verify,
    write_checksums,
)

CONTENT = {name: f"this is {name}\n".encode() * 3 for name in FILES}
CARD = ModelCard(
    name="test-model",
    title="A model for tests",
    demonstration=False,
    sample_rate_hz=16_000,
    licence="none",
    source="here",
    files=FILES,
    also=("seg_dict", "README.md"),
    least_bytes={"model.pt": 20},
    hub={"modelscope": "someone/something"},
)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "carried-in"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    write_checksums(folder, {name: digest(content) for name, content in CONTENT.items()})
    return folder


# --- manifest ------------------------------------------------------------------------------------


def test_manifest_knows_the_bundled_and_the_published_model() -> None:
    assert next(iter(cards())) == "bundled"
    assert cards()["bundled"].demonstration
    assert not cards()["paraformer-zh-streaming"].demonstration
    for card in cards().values():
        assert set(FILES) <= set(card.files)
        assert card.licence
        assert card.hub or card.remake


def test_hub_names_are_those_that_funasr_uses() -> None:
    funasr = importlib.util.find_spec("funasr")
    assert funasr is not None
    assert funasr.submodule_search_locations
    # Read without importing funasr, which takes seconds and prints.
    source = Path(funasr.submodule_search_locations[0]) / "download" / "name_maps_from_hub.py"
    names: dict[str, dict[str, str]] = {}
    exec(source.read_text("utf8"), names)
    card = cards()["paraformer-zh-streaming"]
    assert card.hub["modelscope"] == names["name_maps_ms"][card.name]
    assert card.hub["huggingface"] == names["name_maps_hf"][card.name]


# --- locate and verify ---------------------------------------------------------------------------


def test_a_folder_that_was_carried_in_is_found(directory: Path) -> None:
    assert locate(directory) == locate(str(directory)) == directory
    verdict = verify(directory)
    assert (verdict.checked, verdict.unchecked) == (4, ())


def test_a_folder_without_checksums_is_used_but_not_vouched_for(directory: Path) -> None:
    (directory / CHECKSUMS).unlink()
    verdict = verify(directory)
    assert (verdict.checked, verdict.unchecked) == (0, FILES)


def test_unknown_name_says_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"neither a folder nor a known model \(bundled, para"):
        locate(tmp_path / "nope")


def test_missing_published_model_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINGBAN_MODELS", str(tmp_path))
    with pytest.raises(ModelMissing, match="tingban models fetch paraformer-zh-streaming"):
        locate("paraformer-zh-streaming")
    (tmp_path / "paraformer-zh-streaming").mkdir()
    (tmp_path / "paraformer-zh-streaming" / "config.yaml").write_text("half a download")
    with pytest.raises(ModelDamaged, match=r"lacks model\.pt.*tingban models fetch"):
        locate("paraformer-zh-streaming")


def test_fetched_models_are_looked_for_where_the_user_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TINGBAN_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = tmp_path / "tingban" / "models" / "paraformer-zh-streaming"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).touch()
        with (folder / name).open("r+b") as file:
            file.truncate(300_000_000 if name == "model.pt" else 20_000)  # takes no room on disk
    assert locate("paraformer-zh-streaming") == folder
    with (folder / "model.pt").open("r+b") as file:
        file.truncate(134)
    with pytest.raises(ModelDamaged, match=r"model\.pt .* has 134 bytes, too few to be whole"):
        locate("paraformer-zh-streaming")


@pytest.mark.parametrize("name", FILES)
def test_a_lacking_or_empty_or_changed_file_is_named(directory: Path, name: str) -> None:
    (directory / name).write_bytes(CONTENT[name][:-1] + b"!")
    with pytest.raises(
        ModelDamaged, match=f"{name} .* is not what SHA256SUMS says; copy the whole"
    ):
        verify(directory)
    (directory / name).write_bytes(b"")
    with pytest.raises(ModelDamaged, match=f"{name} .* has 0 bytes"):
        locate(directory)
    (directory / name).unlink()
    with pytest.raises(ModelDamaged, match=f"lacks {name}"):
        locate(directory)


def test_checksums_read_what_sha256sum_writes(directory: Path) -> None:
    lines = [f"{digest(content)} *{name}" for name, content in CONTENT.items()]
    (directory / CHECKSUMS).write_text("\n".join(lines) + "\n\n")
    assert read_checksums(directory) == {name: digest(c) for name, c in CONTENT.items()}


@pytest.mark.parametrize(
    "line", ["nonsense", f"{'0' * 64}  ../../etc/passwd", f"{'0' * 64}  /etc/passwd", f"{'0' * 64}"]
)
def test_checksums_that_lead_elsewhere_are_refused(directory: Path, line: str) -> None:
    (directory / CHECKSUMS).write_text(f"{digest(b'')}  config.yaml\n{line}\n")
    with pytest.raises(ModelDamaged, match=r"SHA256SUMS:2: expected a checksum"):
        verify(directory)


def test_progress_counts_every_byte(directory: Path) -> None:
    counted: list[int] = []
    verify(directory, counted.append)
    assert sum(counted) == sum(map(len, CONTENT.values()))


# --- fetch ---------------------------------------------------------------------------------------


class Hub:
    """A hub with one model, as the real ones look to us."""

    def __init__(self, content: Mapping[str, bytes], announced: Mapping[str, Announced]) -> None:
        self.content = dict(content)
        self._announced = announced
        self.asked: list[list[str]] = []

    def announced(self, model: str) -> Mapping[str, Announced]:
        assert model == "someone/something"
        return self._announced

    def fetch(self, model: str, files: list[str], folder: Path) -> None:
        self.asked.append(files)
        for name in files:
            if not (folder / name).exists():
                (folder / name).write_bytes(self.content[name])


def true_words(content: Mapping[str, bytes]) -> dict[str, Announced]:
    return {name: Announced(len(c), digest(c)) for name, c in content.items()}


def test_fetch_brings_checks_and_records(tmp_path: Path) -> None:
    content = {**CONTENT, "README.md": b"read me", "example.wav": b"not wanted"}
    hub = Hub(content, true_words(content))
    got = fetch(CARD, "modelscope", hub, tmp_path / "m")
    assert got == Fetched(tmp_path / "m", (*FILES, "README.md"), ())
    assert hub.asked == [[*FILES, "README.md"]]
    assert sorted(p.name for p in (tmp_path / "m").iterdir()) == sorted(
        [*FILES, "README.md", CHECKSUMS]
    )
    assert verify(tmp_path / "m").checked == 5
    assert list(tmp_path.iterdir()) == [tmp_path / "m"]


def test_fetch_says_which_files_it_had_to_trust(tmp_path: Path) -> None:
    words = {name: Announced(len(c), None) for name, c in CONTENT.items()}
    words["model.pt"] = Announced(len(CONTENT["model.pt"]), digest(CONTENT["model.pt"]).upper())
    got = fetch(CARD, "modelscope", Hub(CONTENT, words), tmp_path / "m")
    assert got.confirmed == ("model.pt",)
    assert got.trusted == ("config.yaml", "tokens.json", "am.mvn")
    (tmp_path / "m" / "config.yaml").write_text("changed later")
    with pytest.raises(ModelDamaged, match=r"config\.yaml"):
        verify(tmp_path / "m")


@pytest.mark.parametrize(
    "wrong", [Announced(10**6, None), Announced(None, "0" * 64)], ids=["size", "checksum"]
)
def test_damaged_fetch_is_not_taken_and_only_that_file_comes_again(
    tmp_path: Path, wrong: Announced
) -> None:
    words = true_words(CONTENT) | {"am.mvn": wrong}
    hub = Hub(CONTENT, words)
    with pytest.raises(
        ModelDamaged, match=r"am\.mvn came damaged.*run again: tingban models fetch"
    ):
        fetch(CARD, "modelscope", hub, tmp_path / "m")
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "m.partial" / "am.mvn").exists()
    assert (tmp_path / "m.partial" / "model.pt").exists()
    words["am.mvn"] = true_words(CONTENT)["am.mvn"]
    assert fetch(CARD, "modelscope", hub, tmp_path / "m").confirmed == FILES


def test_an_error_page_instead_of_weights_is_noticed(tmp_path: Path) -> None:
    content = CONTENT | {"model.pt": b"<html>"}
    words = {name: Announced(None, None) for name in content}
    with pytest.raises(ModelDamaged, match=r"model\.pt came damaged \(6 bytes"):
        fetch(CARD, "modelscope", Hub(content, words), tmp_path / "m")


def test_a_hub_without_a_needed_file_fails(tmp_path: Path) -> None:
    content = {name: c for name, c in CONTENT.items() if name != "am.mvn"}
    with pytest.raises(FetchFailed, match=r"lacks am\.mvn"):
        fetch(CARD, "modelscope", Hub(content, true_words(content)), tmp_path / "m")


def test_no_connection_says_how_to_do_without(tmp_path: Path) -> None:
    class Unreachable(Hub):
        def announced(self, model: str) -> Mapping[str, Announced]:
            raise ConnectionError("no route to host")

    with pytest.raises(FetchFailed, match=r"no route to host.*carry the folder m here.*--asr DIR"):
        fetch(CARD, "modelscope", Unreachable({}, {}), tmp_path / "m")
    with pytest.raises(FetchFailed, match="is not on huggingface; it is on: modelscope"):
        fetch(CARD, "huggingface", Unreachable({}, {}), tmp_path / "m")


def test_a_new_fetch_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "config.yaml").write_text("old")
    fetch(CARD, "modelscope", Hub(CONTENT, true_words(CONTENT)), tmp_path / "m")
    assert (tmp_path / "m" / "config.yaml").read_bytes() == CONTENT["config.yaml"]
