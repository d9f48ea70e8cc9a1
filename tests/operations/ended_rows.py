"""Rows that have ended, one of each kind that metrics tell about."""

_ENDED = "state, attempt, failures, started_at, ended_at"
_NOW = "'done', 1, 0, now(), now()"

ONE_OF_EVERYTHING = (
    "INSERT INTO workers (name, places, leases_lost, restart_reason) VALUES ('c', 8, 1, 'silent')",
    f"INSERT INTO erasures (id, user_id, {_ENDED}) SELECT gen_random_uuid(), id, {_NOW} FROM users",
    f"INSERT INTO billing_audits (id, kind, day, report, {_ENDED})"
    f""" VALUES (gen_random_uuid(), 'invariants', current_date, '{{"counts": {{"a": 1}}}}', {_NOW})""",
    f"INSERT INTO stripe_events (id, event_id, type, is_live, outcome, {_ENDED})"
    f" VALUES (gen_random_uuid(), 'evt_1', 'refund.created', false, 'handled', {_NOW})",
    f"INSERT INTO rereadings (id, document_id, {_ENDED}) SELECT gen_random_uuid(), id, {_NOW} FROM documents",
    f"INSERT INTO conversions (id, document_id, size_bytes, printed_pages, {_ENDED})"
    f" SELECT gen_random_uuid(), id, 0, '[]', {_NOW} FROM documents",
    f"INSERT INTO calls (id, run_id, step_id, number, {_ENDED})"
    f" SELECT gen_random_uuid(), run_id, id, 1, {_NOW} FROM steps",
    # The built-in model costs nothing.
    "UPDATE model_calls SET model = 'gpt-4o', cost_usd = 0.01",
)
