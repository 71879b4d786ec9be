"""Rules for every module: short, the domain pure, the chassis without the domain's words."""

import re
import sys

import pytest

from tests.architecture.project import ROOT, imports, modules, service_names

LINES_AT_MOST = 300
DOMAIN_WORDS = ("voucher", "booking", "comune", "isee", "citizen", "codice", "household")


def test_a_module_is_one_sitting() -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in modules("services", "gateway", "deploy")}
    assert [str(file) for file, lines in lengths.items() if lines > LINES_AT_MOST] == []


@pytest.mark.parametrize("service", service_names())
def test_the_domain_is_pure(service: str) -> None:
    own = f"services.{service}.domain"
    for file in modules(f"services/{service}/domain"):
        for name in imports(file):
            allowed = (
                name.partition(".")[0] in sys.stdlib_module_names
                or name in {"services.chassis.refusal", "services.chassis.civil_time", own}
                or name.startswith(f"{own}.")
            )
            assert allowed, f"{file.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize("word", DOMAIN_WORDS)
def test_the_chassis_knows_no_word_of_the_domain(word: str) -> None:
    pattern = re.compile(rf"\b{word}", re.IGNORECASE)
    found = [
        str(path.relative_to(ROOT))
        for path in modules("services/chassis")
        if pattern.search(path.read_text())
    ]
    assert found == []


def test_nothing_is_mapped_by_the_orm() -> None:
    for file in modules("services", "gateway"):
        assert not any(name.startswith("sqlalchemy.orm") for name in imports(file)), file
