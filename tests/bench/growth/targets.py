"""At whom and what the measured operations aim: a random choice of what the databases were filled with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import psycopg

COLUMNS: Final = ("person", "comune", "voucher", "provider", "slot", "service_date", "xid", "position")
COUNT: Final = 4096
_CHOOSE: Final = """
CREATE TABLE bench.target AS
SELECT v.k, v.person_id::text AS person, v.comune, v.id::text AS voucher, v.assigned_providers[1] AS provider,
    s.id::text AS slot, s.service_date::text AS service_date, '0' AS xid, '0' AS position
FROM (
    SELECT *, row_number() OVER () - 1 AS k FROM (SELECT * FROM voucher ORDER BY random() LIMIT %s) chosen
) v
JOIN bench.citizen c ON c.id = v.person_id
JOIN bench.slot s ON s.offering = c.offering AND s.ahead AND s.i = bench.draw(
    v.k, 6, (SELECT min(n) FROM (SELECT count(*) AS n FROM bench.slot WHERE ahead GROUP BY offering) counts)
);
ALTER TABLE bench.target ADD PRIMARY KEY (k)
"""
# A cooperative reads on from anywhere in its feed.
_PLACES: Final = """
UPDATE bench.target SET position = f.position, xid = f.xid
FROM feed_event f
WHERE f.position = 1 + bench.draw(target.k, 7, (SELECT max(position) FROM feed_event))
"""


def choose(urls: Mapping[str, str]) -> list[dict[str, str]]:
    """Make the table `bench.target` in every database and return its rows, in the order of their `k`."""
    with psycopg.connect(urls["vouchers"], autocommit=True, cursor_factory=psycopg.ClientCursor) as source:
        source.execute("DROP TABLE IF EXISTS bench.target")
        source.execute(_CHOOSE, [COUNT])
        names = ", ".join(COLUMNS)
        rows = source.execute(f"SELECT k, {names} FROM bench.target ORDER BY k").fetchall()  # noqa: S608
    for service, url in urls.items():
        with psycopg.connect(url, autocommit=True) as other:
            if service != "vouchers":
                _copy(other, rows)
            if service == "notifications":
                other.execute(_PLACES)
            other.execute("VACUUM ANALYZE bench.target")
    return [dict(zip(COLUMNS, row[1:], strict=True)) for row in rows]


def _copy(other: psycopg.Connection[Any], rows: list[tuple[Any, ...]]) -> None:
    typed = ", ".join(f"{name} text" for name in COLUMNS)
    other.execute("DROP TABLE IF EXISTS bench.target")
    other.execute(f"CREATE TABLE bench.target (k bigint PRIMARY KEY, {typed})")
    with other.cursor().copy("COPY bench.target FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
