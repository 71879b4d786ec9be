"""Where budgets, plans, vouchers and their ledger are kept."""
