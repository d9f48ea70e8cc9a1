"""How calls cope with a vendor's limits and faults, judged by llmock, a server that others made."""
