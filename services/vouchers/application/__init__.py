"""What one can do with budgets, plans and vouchers: one use case per file."""
