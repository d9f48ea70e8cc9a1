"""Add credits in lots, price lists, payments, and events of Stripe.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_APPEND_ONLY = ('credit_lots', 'credit_entries', 'price_lists')
# A payment is never changed or deleted, but the payer's data is removed with their account.
_PERSONAL = ('payer_name', 'payer_email', 'payer_country', 'receipt_url')
_KEEP_PAYMENT = f"""
CREATE FUNCTION keep_payment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {' '.join(f'IF NEW.{name} IS NULL THEN OLD.{name} := NULL; END IF;' for name in _PERSONAL)}
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'of a payment, only personal data can be removed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$
"""
# An event of Stripe may arrive after its user has left: the payment is booked without the payer's data. The lock waits
# until a leaving has been committed or rolled back, as in refuse_after_leaving, so the erasure finds earlier payments.
# A booking takes the same lock before that of the credit account, because a leaving takes them in this order, too.
_CLEAR_AFTER_LEAVING = """
CREATE FUNCTION clear_after_leaving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM users WHERE id = NEW.user_id AND erasing_at IS NULL FOR KEY SHARE;
    IF NOT FOUND THEN
        NEW := jsonb_populate_record(NEW, (SELECT jsonb_object_agg(name, NULL) FROM unnest(TG_ARGV) AS name));
    END IF;
    RETURN NEW;
END
$$
"""


def upgrade() -> None:
    """Apply the change."""
    op.create_table('billing_audits',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('report', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('worker', sa.Text(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_billing_audits_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_billing_audits_lease_while_running')),
    sa.CheckConstraint("kind IN ('reconciliation', 'invariants')", name=op.f('ck_billing_audits_kind_known')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_billing_audits_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_billing_audits')),
    sa.UniqueConstraint('kind', 'day', name=op.f('uq_billing_audits_kind_day'))
    )
    op.create_index(op.f('ix_billing_audits_available_at'), 'billing_audits', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_billing_audits_ended_at'), 'billing_audits', ['ended_at'], unique=False)
    op.create_table('price_lists',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('applies_from', sa.Date(), nullable=False),
    sa.Column('margin', sa.Numeric(), nullable=False),
    sa.Column('content', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_price_lists'))
    )
    op.create_table('stripe_events',
    sa.Column('event_id', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('api_version', sa.Text(), nullable=True),
    sa.Column('is_live', sa.Boolean(), nullable=False),
    sa.Column('object_type', sa.Text(), nullable=True),
    sa.Column('object_id', sa.Text(), nullable=True),
    sa.Column('payment_intent_id', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('available_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('worker', sa.Text(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error_code', sa.Text(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(outcome = 'unhandled') IS TRUE = (reason IS NOT NULL)", name=op.f('ck_stripe_events_unhandled_has_reason')),
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_stripe_events_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_stripe_events_lease_while_running')),
    sa.CheckConstraint("outcome IN ('handled', 'ignored', 'unhandled')", name=op.f('ck_stripe_events_outcome_known')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_stripe_events_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stripe_events')),
    sa.UniqueConstraint('event_id', name=op.f('uq_stripe_events_event_id'))
    )
    op.create_index(op.f('ix_stripe_events_available_at'), 'stripe_events', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_stripe_events_ended_at'), 'stripe_events', ['ended_at'], unique=False)
    op.create_index('ix_stripe_events_unhandled', 'stripe_events', ['id'], unique=False, postgresql_where=sa.text("outcome = 'unhandled'"))
    op.create_table('credit_accounts',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_credit_accounts_user_id')),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_credit_accounts')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_table('checkouts',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('idempotency_key', sa.Text(), nullable=False),
    sa.Column('package', sa.Text(), nullable=False),
    sa.Column('amount_rappen', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('credits', sa.Integer(), nullable=False),
    sa.Column('price_list', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('stripe_session_id', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state IN ('open', 'paid', 'failed', 'expired', 'refused')", name=op.f('ck_checkouts_state_known')),
    sa.CheckConstraint('amount_rappen > 0 AND credits > 0', name=op.f('ck_checkouts_amounts_positive')),
    sa.ForeignKeyConstraint(['price_list'], ['price_lists.name'], name=op.f('fk_checkouts_price_list')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_checkouts_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_checkouts')),
    sa.UniqueConstraint('stripe_session_id', name=op.f('uq_checkouts_stripe_session_id')),
    sa.UniqueConstraint('user_id', 'idempotency_key', name=op.f('uq_checkouts_user_id_idempotency_key')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index('ix_checkouts_user_id_id', 'checkouts', ['user_id', 'id'], unique=False)
    op.create_table('credit_holds',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('sign_of_life_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount >= 0', name=op.f('ck_credit_holds_amount_not_negative')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_credit_holds_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_holds')),
    sa.UniqueConstraint('run_id', name=op.f('uq_credit_holds_run_id')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index('ix_credit_holds_open', 'credit_holds', ['sign_of_life_at'], unique=False, postgresql_where=sa.text('closed_at IS NULL'))
    op.create_index('ix_credit_holds_user_id_id', 'credit_holds', ['user_id', 'id'], unique=False)
    op.create_table('payments',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('checkout_id', sa.Uuid(), nullable=False),
    sa.Column('package', sa.Text(), nullable=False),
    sa.Column('amount_rappen', sa.Integer(), nullable=False),
    sa.Column('tax_rappen', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('credits', sa.Integer(), nullable=False),
    sa.Column('price_list', sa.Text(), nullable=False),
    sa.Column('stripe_session_id', sa.Text(), nullable=False),
    sa.Column('stripe_payment_intent_id', sa.Text(), nullable=False),
    sa.Column('stripe_charge_id', sa.Text(), nullable=True),
    sa.Column('is_live', sa.Boolean(), nullable=False),
    sa.Column('method', sa.Text(), nullable=True),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('payer_name', sa.Text(), nullable=True),
    sa.Column('payer_email', sa.Text(), nullable=True),
    sa.Column('payer_country', sa.Text(), nullable=True),
    sa.Column('receipt_url', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('amount_rappen > 0 AND credits > 0', name=op.f('ck_payments_amounts_positive')),
    sa.CheckConstraint('tax_rappen BETWEEN 0 AND amount_rappen', name=op.f('ck_payments_tax_included')),
    sa.ForeignKeyConstraint(['price_list'], ['price_lists.name'], name=op.f('fk_payments_price_list')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_payments_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payments')),
    sa.UniqueConstraint('stripe_payment_intent_id', name=op.f('uq_payments_stripe_payment_intent_id')),
    sa.UniqueConstraint('stripe_session_id', name=op.f('uq_payments_stripe_session_id')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index(op.f('ix_payments_paid_at'), 'payments', ['paid_at'], unique=False)
    op.create_index('ix_payments_user_id_id', 'payments', ['user_id', 'id'], unique=False)
    op.create_table('sign_up_persons',
    sa.Column('person_hash', sa.LargeBinary(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_sign_up_persons_user_id')),
    sa.PrimaryKeyConstraint('person_hash', name=op.f('pk_sign_up_persons')),
    info={'kept': 'a person gets sign-up credits once, even if they delete their account and come back'}
    )
    op.create_index(op.f('ix_sign_up_persons_user_id'), 'sign_up_persons', ['user_id'], unique=False)
    op.create_table('credit_lots',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('grant_key', sa.Text(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(source = 'purchase') = (payment_id IS NOT NULL)", name=op.f('ck_credit_lots_purchase_has_payment')),
    sa.CheckConstraint("source <> 'purchase' OR expires_at IS NULL", name=op.f('ck_credit_lots_purchase_never_expires')),
    sa.CheckConstraint("source IN ('purchase', 'sign_up', 'goodwill')", name=op.f('ck_credit_lots_source_known')),
    sa.CheckConstraint('amount > 0', name=op.f('ck_credit_lots_amount_positive')),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_credit_lots_payment_id')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_credit_lots_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_lots')),
    sa.UniqueConstraint('grant_key', name=op.f('uq_credit_lots_grant_key')),
    sa.UniqueConstraint('payment_id', name=op.f('uq_credit_lots_payment_id')),
    sa.UniqueConstraint('user_id', 'number', name=op.f('uq_credit_lots_user_id_number')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index(op.f('ix_credit_lots_expires_at'), 'credit_lots', ['expires_at'], unique=False, postgresql_where=sa.text('expires_at IS NOT NULL'))
    op.create_table('disputes',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('stripe_id', sa.Text(), nullable=False),
    sa.Column('amount_rappen', sa.Integer(), nullable=False),
    sa.Column('withdrawn_rappen', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_disputes_payment_id')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_disputes_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_disputes')),
    sa.UniqueConstraint('stripe_id', name=op.f('uq_disputes_stripe_id')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index('ix_disputes_open', 'disputes', ['user_id'], unique=False, postgresql_where=sa.text('is_open'))
    op.create_index(op.f('ix_disputes_payment_id'), 'disputes', ['payment_id'], unique=False)
    op.create_index(op.f('ix_disputes_user_id'), 'disputes', ['user_id'], unique=False)
    op.create_table('refunds',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('payment_id', sa.Uuid(), nullable=False),
    sa.Column('stripe_id', sa.Text(), nullable=False),
    sa.Column('amount_rappen', sa.Integer(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['payment_id'], ['payments.id'], name=op.f('fk_refunds_payment_id')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_refunds_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds')),
    sa.UniqueConstraint('stripe_id', name=op.f('uq_refunds_stripe_id')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index(op.f('ix_refunds_payment_id'), 'refunds', ['payment_id'], unique=False)
    op.create_index(op.f('ix_refunds_user_id'), 'refunds', ['user_id'], unique=False)
    op.create_table('credit_entries',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('lot_id', sa.Uuid(), nullable=False),
    sa.Column('hold_id', sa.Uuid(), nullable=True),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('held', sa.BigInteger(), nullable=False),
    sa.Column('lot_after', sa.BigInteger(), nullable=False),
    sa.Column('lot_held_after', sa.BigInteger(), nullable=False),
    sa.Column('paid_after', sa.BigInteger(), nullable=False),
    sa.Column('free_after', sa.BigInteger(), nullable=False),
    sa.Column('held_after', sa.BigInteger(), nullable=False),
    sa.Column('stripe_id', sa.Text(), nullable=True),
    sa.Column('run_id', sa.Uuid(), nullable=True),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(kind IN ('refunded', 'refund_returned', 'disputed', 'reinstated')) = (stripe_id IS NOT NULL)", name=op.f('ck_credit_entries_stripe_object_named')),
    sa.CheckConstraint("(kind IN ('reserved', 'captured', 'released')) = (hold_id IS NOT NULL)", name=op.f('ck_credit_entries_hold_named')),
    sa.CheckConstraint("kind IN ('granted', 'reserved', 'captured', 'released', 'refunded', 'refund_returned', 'disputed', 'reinstated', 'expired', 'adjusted')", name=op.f('ck_credit_entries_kind_known')),
    sa.CheckConstraint('amount <> 0 OR held <> 0', name=op.f('ck_credit_entries_changes_something')),
    sa.CheckConstraint('held_after >= 0 AND lot_held_after >= 0', name=op.f('ck_credit_entries_held_not_negative')),
    sa.ForeignKeyConstraint(['hold_id'], ['credit_holds.id'], name=op.f('fk_credit_entries_hold_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['credit_lots.id'], name=op.f('fk_credit_entries_lot_id')),
    sa.ForeignKeyConstraint(['user_id'], ['credit_accounts.user_id'], name=op.f('fk_credit_entries_user_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_entries')),
    sa.UniqueConstraint('key', name=op.f('uq_credit_entries_key')),
    sa.UniqueConstraint('user_id', 'number', name=op.f('uq_credit_entries_user_id_number')),
    info={'kept': 'accounts must be kept for ten years (Swiss Code of Obligations, art. 958f)'}
    )
    op.create_index('ix_credit_entries_hold_id', 'credit_entries', ['hold_id'], unique=False, postgresql_where=sa.text('hold_id IS NOT NULL'))
    op.create_index('ix_credit_entries_lot_id_number', 'credit_entries', ['lot_id', 'number'], unique=False)
    op.create_index('ix_credit_entries_stripe_id', 'credit_entries', ['stripe_id'], unique=False, postgresql_where=sa.text('stripe_id IS NOT NULL'))
    op.create_index('ix_credit_entries_user_id_id', 'credit_entries', ['user_id', 'id'], unique=False)
    for table in _APPEND_ONLY:
        _add_trigger('append_only', table, 'UPDATE OR DELETE OR TRUNCATE', 'STATEMENT', 'refuse_change')
    op.execute(_KEEP_PAYMENT)
    _add_trigger('keep_payment', 'payments', 'UPDATE', 'ROW', 'keep_payment')
    _add_trigger('append_only', 'payments', 'DELETE OR TRUNCATE', 'STATEMENT', 'refuse_change')
    op.execute(_CLEAR_AFTER_LEAVING)
    op.execute(
        "CREATE TRIGGER clear_after_leaving BEFORE INSERT OR UPDATE ON payments FOR EACH ROW"
        f" EXECUTE FUNCTION clear_after_leaving({', '.join(map(repr, _PERSONAL))})"
    )
    op.execute('ALTER TABLE payments ENABLE ALWAYS TRIGGER clear_after_leaving')


def _add_trigger(name: str, table: str, event: str, each: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()")
    # Also where session_replication_role says that triggers are to be left out.
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


def downgrade() -> None:
    """Undo the change. Refused while there are entries: the accounts would be gone."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM credit_entries) OR EXISTS (SELECT 1 FROM payments) THEN RAISE EXCEPTION"
        " 'There are credits or payments: copy them away and drop the tables by hand first.'; END IF; END $$"
    )
    op.drop_table('credit_entries')
    op.drop_table('refunds')
    op.drop_table('disputes')
    op.drop_table('credit_lots')
    op.drop_table('sign_up_persons')
    op.drop_table('payments')
    op.drop_table('credit_holds')
    op.drop_table('checkouts')
    op.drop_table('credit_accounts')
    op.drop_table('stripe_events')
    op.drop_table('price_lists')
    op.drop_table('billing_audits')
    op.execute('DROP FUNCTION keep_payment()')
    op.execute('DROP FUNCTION clear_after_leaving()')
