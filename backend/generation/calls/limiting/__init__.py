"""Says when a call may start, so that the vendor's limits are used up and not exceeded."""
