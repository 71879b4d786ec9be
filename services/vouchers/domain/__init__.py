"""The rules of budgets, plans and vouchers: pure, without input or output."""
