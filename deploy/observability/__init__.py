"""Watching an installation in containers: what Prometheus scrapes and warns of, and dashboards."""
