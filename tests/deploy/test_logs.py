"""`make logs`."""

from pathlib import Path

import pytest

from deploy.local.follow import Tail, follow


def test_each_line_begins_with_its_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail.log").write_text("one\ntwo\nthree\n")
    (tmp_path / "gateway.log").write_text("four\n")
    follow(tmp_path, [], lines=2, once=True)
    assert capsys.readouterr().out == "gateway | four\nmail    | two\nmail    | three\n"


def test_one_process_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mail.log").write_text("one\n")
    (tmp_path / "gateway.log").write_text("four\n")
    follow(tmp_path, ["mail"], once=True)
    assert capsys.readouterr().out == "mail | one\n"


def test_a_rotated_log_is_followed_without_losing_a_line(tmp_path: Path) -> None:
    log = tmp_path / "mail.log"
    log.write_text("one\n")
    with Tail(log, lines=10) as tail:
        assert tail.read() == ["one"]
        with log.open("a") as file:
            file.write("two\nth")
        log.rename(tmp_path / "mail.log.1")
        log.write_text("ree\nfour\n")
        assert tail.read() == ["two", "three", "four"]
        assert tail.read() == []
