"""The ledger of credits: accounts, lots, entries, holds, and the rules that must always hold."""
