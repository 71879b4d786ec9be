"""`python -m deploy.observability.dashboards [--check]`: Grafana's dashboards, written from what stands here.

The files below grafana/dashboards are made of it; `--check` ends with 1 if they are not what they must be.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from deploy.observability.hops import HOPS
from deploy.observability.panels import EVERY, Dashboard, Panel, document, rate

FOLDER: Final = Path(__file__).parent / "grafana" / "dashboards"


_BOOKINGS = 'outbox_published_total{type=~"ambito.catalogue.booking.+"}'
_SHARED_OR_APART = r'queue=~".+\\.events(\\.apart\\.[^.]+)?"'
_ANSWERS = "gateway_request_seconds_bucket"
_COMMITTED, _ALLOCATED = (
    f'max by (comune, fund, year) (budget_cents{{what="{what}"}})' for what in ("committed", "allocated")
)
_BOOKED_TO_HANDLED = (
    "histogram_quantile(0.95, sum by (le, service)"
    f' (rate(event_age_seconds_bucket{{type=~"ambito.catalogue.booking.+"}}[{EVERY}])))'
)

DASHBOARDS: Final = (
    Dashboard(
        "ambito-overview",
        "Ambito: bookings",
        [
            Panel("Bookings by what became of them", "ops", [(rate(_BOOKINGS, "type"), "{{type}}")]),
            Panel("Bookings by comune", "ops", [(rate(_BOOKINGS, "area"), "{{area}}")]),
            Panel(
                "Requests, and those that end with an error of ours",
                "reqps",
                [
                    (f"sum(rate(gateway_requests_total[{EVERY}]))", "requests"),
                    (f'sum(rate(gateway_requests_total{{status=~"5.."}}[{EVERY}]))', "errors"),
                ],
            ),
            Panel(
                "Time to answer",
                "s",
                [
                    (
                        f"histogram_quantile({quantile}, sum by (le) (rate({_ANSWERS}[{EVERY}])))",
                        f"{quantile:.0%}",
                    )
                    for quantile in (0.5, 0.95, 0.99)
                ],
            ),
            Panel(
                "From a booking to the end of its handling elsewhere",
                "s",
                [(_BOOKED_TO_HANDLED, "{{service}}")],
            ),
            Panel("Held bookings overdue", "s", [("max(bookings_held_overdue_seconds)", "overdue")]),
            Panel(
                "Processes that answer",
                "short",
                [('count by (service) (up{job="processes"} == 1)', "{{service}}")],
            ),
            Panel(
                "Alerts", "short", [('count by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}")]
            ),
        ],
    ),
    HOPS,
    Dashboard(
        "ambito-events",
        "Ambito: events and queues",
        [
            Panel(
                "Oldest event not yet published",
                "s",
                [("max by (service) (outbox_oldest_unpublished_seconds)", "{{service}}")],
            ),
            Panel(
                "Events not yet published",
                "short",
                [("max by (service) (outbox_unpublished)", "{{service}}")],
            ),
            Panel(
                "Waiting in the services' queues",
                "short",
                [
                    (
                        f"max by (queue) (rabbitmq_detailed_queue_messages_ready{{{_SHARED_OR_APART}}})",
                        "{{queue}}",
                    )
                ],
            ),
            Panel(
                "Waiting for their next try",
                "short",
                [
                    (
                        r'max by (queue) (rabbitmq_detailed_queue_messages_ready{queue=~".+\\.retry\\..+"})',
                        "{{queue}}",
                    )
                ],
            ),
            Panel(
                "Dead letters",
                "short",
                [
                    (
                        r'max by (queue) (rabbitmq_detailed_queue_messages_ready{queue=~".+\\.dead"})',
                        "{{queue}}",
                    )
                ],
            ),
            Panel("Relays that publish", "short", [("sum by (service) (relay_active)", "{{service}}")]),
            Panel(
                "RabbitMQ: memory, and disk left",
                "bytes",
                [
                    ("max(rabbitmq_process_resident_memory_bytes)", "memory"),
                    ("min(rabbitmq_disk_space_available_bytes)", "disk left"),
                ],
            ),
            Panel(
                "PostgreSQL: connections",
                "short",
                [("max(postgres_connections)", "taken"), ("max(postgres_connections_limit)", "limit")],
            ),
        ],
    ),
    Dashboard(
        "ambito-cooperatives",
        "Ambito: cooperatives",
        [
            Panel("Webhook endpoints", "short", [("max by (state) (webhook_endpoints)", "{{state}}")]),
            Panel(
                "Webhooks by what became of them",
                "ops",
                [(rate('deliver_attempts_total{kind="webhook"}', "state"), "{{state}}")],
            ),
            Panel("Longest due", "s", [("max by (kind) (deliver_oldest_due_seconds)", "{{kind}}")]),
            Panel(
                "Attempts under way", "short", [("sum by (kind) (deliver_attempts_under_way)", "{{kind}}")]
            ),
            Panel(
                "Waiting in the cooperatives' queues",
                "short",
                [
                    (
                        r'max by (queue) (rabbitmq_detailed_queue_messages_ready{queue=~"coop\\..+"})',
                        "{{queue}}",
                    )
                ],
            ),
            Panel(
                "Cooperatives that listen to their queue",
                "short",
                [(r'max by (queue) (rabbitmq_detailed_queue_consumers{queue=~"coop\\..+"})', "{{queue}}")],
            ),
        ],
    ),
    Dashboard(
        "ambito-money",
        "Ambito: budgets and ledger",
        [
            Panel(
                "Committed of what is allocated",
                "percentunit",
                [
                    (
                        f"{_COMMITTED} / ({_ALLOCATED} > 0)",
                        "{{comune}} {{fund}} {{year}}",
                    )
                ],
            ),
            Panel(
                "Not yet committed, EUR",
                "currencyEUR",
                [
                    (
                        f"({_ALLOCATED} - {_COMMITTED}) / 100",
                        "{{comune}} {{fund}} {{year}}",
                    )
                ],
            ),
            Panel("Faults in the ledger", "short", [("max(ledger_faults)", "faults")]),
            Panel(
                "Figures that differ",
                "short",
                [("max(ledger_differences)", "vouchers and budgets"), ("max(seat_differences)", "seats")],
            ),
            Panel(
                "Since the ledger was verified", "s", [("time() - max(ledger_pass_timestamp_seconds)", "age")]
            ),
            Panel("Since the newest backup", "s", [("time() - max(backup_newest_timestamp_seconds)", "age")]),
        ],
    ),
)


def files() -> dict[Path, str]:
    """Every file and what it must hold."""
    return {
        FOLDER / f"{each.uid}.json": json.dumps(document(each), indent=1, ensure_ascii=False) + "\n"
        for each in DASHBOARDS
    }


def main() -> None:
    wanted = files()
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
        stale += [path.name for path in FOLDER.glob("*.json") if path not in wanted]
        if stale:
            sys.exit(f"not as deploy/observability/dashboards.py says: {', '.join(stale)}")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
