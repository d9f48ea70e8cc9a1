"""Credits: the ledger, the price list, payments through Stripe and statements."""
