"""Where calls are kept, and that only one server does so there."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import inspect

from server.settings import Settings
from server.store import schema
from server.store.files import StoreError, open_store
from server.store.migrate import current, head, migrate
from tests.server.store.conftest import new_store, opened


def settings(**store: object) -> Settings:
    return Settings.model_validate({"store": store})


def test_nothing_is_kept_when_told_so(tmp_path: Path) -> None:
    assert open_store(settings(enabled=False, directory=tmp_path / "calls")) is None
    assert not (tmp_path / "calls").exists()


async def test_a_second_server_is_told_that_the_folder_is_taken(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(StoreError, match="another server"):
            open_store(settings(directory=tmp_path))
    async with new_store(tmp_path).open():
        pass


@pytest.mark.parametrize("url", ["mysql://a:secret@b/c", "what secret is this"])
def test_an_address_that_is_none_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError, match=r"store\.url") as caught:
        open_store(settings(directory=tmp_path, url=url))
    assert "secret" not in str(caught.value)


async def test_the_steps_lead_to_the_schema(tmp_path: Path, url: str | None) -> None:
    async with opened(tmp_path, url=url) as store:
        await store.archive.ready()
        assert await migrate(store.archive.engine) == (head(), head())
        async with store.archive.engine.connect() as connection:
            assert await connection.run_sync(current) == head()
            for table in schema.metadata.sorted_tables:
                found = await connection.run_sync(
                    lambda sync, table=table: {
                        column["name"]: (str(column["type"]), column["nullable"])
                        for column in inspect(sync).get_columns(table.name)
                    }
                )
                dialect = store.archive.engine.dialect
                assert found == {
                    column.name: (column.type.compile(dialect), column.nullable)
                    for column in table.columns
                }
