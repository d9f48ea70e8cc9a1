"""Billing: credits in lots, prices, payments through Stripe, statements."""
