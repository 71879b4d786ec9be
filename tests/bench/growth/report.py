"""The growth table and the sizes, for a person and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from tests.bench.growth.end_to_end import EndToEnd
from tests.bench.growth.filling import Volume

AIM: Final = 1.3
"""A step has ten times as many rows; an operation should not take longer by more than this factor."""
MEBIBYTE: Final = 2**20
Sizes = Mapping[str, Mapping[str, tuple[int, int]]]


@dataclass
class Step:
    """What was measured at one volume. `milliseconds` by operation; `sizes` by service and table."""

    volume: Volume
    milliseconds: Mapping[str, float]
    sizes: Sizes
    end_to_end: EndToEnd | None = None


def factors(steps: Sequence[Step]) -> dict[str, list[float]]:
    """By operation: how many times as long as at the step before, from the second step on."""
    return {
        name: [later.milliseconds[name] / earlier.milliseconds[name] for earlier, later in pairwise(steps)]
        for name in steps[0].milliseconds
    }


def per_million(steps: Sequence[Step]) -> dict[str, dict[str, tuple[float, float]]]:
    """MiB by which each table and its indexes grew from the last step but one, for a million bookings."""
    *_, before, last = steps
    millions = (last.volume.bookings - before.volume.bookings) / 1_000_000
    share = 1 / MEBIBYTE / millions
    return {
        service: {
            name: ((table - then[0]) * share, (indexes - then[1]) * share)
            for name, (table, indexes) in tables.items()
            if (then := before.sizes[service][name]) != (table, indexes)
        }
        for service, tables in last.sizes.items()
    }


def growth_table(steps: Sequence[Step]) -> str:
    """One line for each operation: milliseconds, and in brackets the factor to the step before."""
    grown = factors(steps)
    head = ["milliseconds", *(f"{step.volume.bookings:,}" for step in steps)]
    rows = [head]
    for name in steps[0].milliseconds:
        cells = [f"{steps[0].milliseconds[name]:.3f}"]
        for step, factor in zip(steps[1:], grown[name], strict=True):
            mark = "!" if factor > AIM else " "
            cells.append(f"{step.milliseconds[name]:.3f} ({factor:.2f}{mark})")
        rows.append([name, *cells])
    return _aligned(rows)


def size_table(steps: Sequence[Step]) -> str:
    """The tables that grow, largest first."""
    rows = [["MiB per million bookings", "table", "indexes"]]
    found = [
        (f"{service}.{name}", *size)
        for service, tables in per_million(steps).items()
        for name, size in tables.items()
        if sum(size) >= 1
    ]
    found.sort(key=lambda row: -(row[1] + row[2]))
    rows += [[name, f"{table:,.0f}", f"{indexes:,.0f}"] for name, table, indexes in found]
    rows.append(["in all", f"{sum(row[1] for row in found):,.0f}", f"{sum(row[2] for row in found):,.0f}"])
    return _aligned(rows)


def text(steps: Sequence[Step]) -> str:
    """Everything for a person."""
    parts = [growth_table(steps)]
    if len(steps) > 1:
        parts.append(size_table(steps))
    parts += [f"{step.volume.bookings:,}: {step.end_to_end}" for step in steps if step.end_to_end]
    return "\n\n".join(parts)


def write(steps: Sequence[Step], file: Path) -> None:
    """Replace `file` by everything that was measured."""
    content: dict[str, Any] = {"steps": [asdict(step) for step in steps]}
    if len(steps) > 1:
        content |= {"factors": factors(steps), "mib_per_million_bookings": per_million(steps)}
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2) + "\n")
    new.replace(file)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )
