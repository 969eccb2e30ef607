from pathlib import Path

import pytest

from app.data_dir import check_data_dir, check_pgdata, pgdata_in
from app.start_errors import StartError


def made(data_dir: Path, mode: int) -> Path:
    """Make what stands of an embedded PostgreSQL; return its folder."""
    pgdata = pgdata_in(data_dir)
    pgdata.mkdir(parents=True)
    (pgdata / "PG_VERSION").write_text("18\n")
    pgdata.chmod(mode)
    return pgdata


def test_data_directory_is_made_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    check_data_dir(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_data_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match=r"^DOTSYNC_DATA_DIR: .*/file/data can't be written to"):
        check_data_dir(tmp_path / "file" / "data")


def test_read_only_file_system_is_told_to_root_as_well() -> None:
    with pytest.raises(StartError, match=r"^DOTSYNC_DATA_DIR: /proc/dotsync can't be written to"):
        check_data_dir(Path("/proc/dotsync"))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o701])
def test_folder_that_is_open_to_others_is_refused_with_what_mends_it(
    tmp_path: Path, mode: int
) -> None:
    pgdata = made(tmp_path, mode)
    with pytest.raises(StartError) as caught:
        check_pgdata(tmp_path)
    assert f"has the mode {mode:04o}" in str(caught.value)
    assert str(caught.value).endswith(f"Run: chmod 0700 {pgdata}")


@pytest.mark.parametrize("mode", [0o700, 0o750])
def test_folder_that_postgres_takes_is_let_through(tmp_path: Path, mode: int) -> None:
    made(tmp_path, mode)
    check_pgdata(tmp_path)


def test_folder_that_is_not_there_yet_is_let_through(tmp_path: Path) -> None:
    check_pgdata(tmp_path)
