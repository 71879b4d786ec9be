"""Budgets, personal plans, vouchers and their ledger."""
