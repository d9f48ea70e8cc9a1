"""Payments: checkouts, fulfilment, refunds, disputes, events, reconciliation."""
