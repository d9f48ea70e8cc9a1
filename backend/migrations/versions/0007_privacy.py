"""Add data exports and erasures; refuse new rows for a user who has left.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op
revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

# A request that was admitted before its user left may write afterwards. The lock waits until the leaving has been
# committed or rolled back, so a row is either there when the erasure begins, or refused.
# A row of the activity log is dropped instead of refused: only the user would read it.
_FUNCTION = """
CREATE FUNCTION refuse_after_leaving() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM users WHERE id = NEW.user_id AND erasing_at IS NULL FOR KEY SHARE;
    IF FOUND OR NOT EXISTS (SELECT 1 FROM users WHERE id = NEW.user_id) THEN
        RETURN NEW;
    END IF;
    IF TG_ARGV[0] = 'drop' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the user has left' USING ERRCODE = 'UE001';
END
$$
"""
# The cleared row of a user stays cleared.
_FUNCTION_OF_USERS = """
CREATE FUNCTION keep_empty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.email IS NOT NULL OR NEW.name IS NOT NULL OR NEW.picture_url IS NOT NULL OR NEW.language IS NOT NULL
        OR NEW.exam_defaults <> '{}'::jsonb OR NEW.time_zone <> OLD.time_zone OR NEW.erasing_at IS NULL THEN
        RAISE EXCEPTION 'the user has left' USING ERRCODE = 'UE001';
    END IF;
    RETURN NEW;
END
$$
"""
_REFUSING = (
    'api_keys', 'data_exports', 'idempotency_keys', 'identities', 'runs', 'sessions', 'sign_in_codes', 'study_sets'
)


def upgrade() -> None:
    """Apply the change."""
    op.add_column('users', sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True))
    op.create_table('data_exports',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('stored_in', sa.Text(), nullable=True),
    sa.Column('stored_key', sa.Uuid(), nullable=True),
    sa.Column('link_hash', sa.LargeBinary(), nullable=True),
    sa.Column('link_expires_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
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
    sa.CheckConstraint("((stored_in LIKE 's3://%') IS TRUE) = (stored_key IS NOT NULL)", name=op.f('ck_data_exports_key_in_bucket')),
    sa.CheckConstraint("(link_hash IS NULL) = (link_expires_at IS NULL)", name=op.f('ck_data_exports_link_has_end')),
    sa.CheckConstraint("(state = 'done') = (size_bytes IS NOT NULL AND expires_at IS NOT NULL)", name=op.f('ck_data_exports_done_has_size_and_end')),
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_data_exports_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_data_exports_lease_while_running')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_data_exports_state_known')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_data_exports_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_data_exports'))
    )
    op.create_index(op.f('ix_data_exports_available_at'), 'data_exports', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_data_exports_ended_at'), 'data_exports', ['ended_at'], unique=False)
    op.create_index('ix_data_exports_expires_at', 'data_exports', ['expires_at'], unique=False, postgresql_where=sa.text('stored_in IS NOT NULL'))
    op.create_index('ix_data_exports_user_id_id', 'data_exports', ['user_id', 'id'], unique=False)
    op.create_index('uq_data_exports_open', 'data_exports', ['user_id'], unique=True, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_table('export_pieces',
    sa.Column('export_id', sa.Uuid(), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['export_id'], ['data_exports.id'], name=op.f('fk_export_pieces_export_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('export_id', 'attempt', 'number', name=op.f('pk_export_pieces'))
    )
    op.create_table('erasures',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
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
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_erasures_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_erasures_lease_while_running')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_erasures_state_known')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_erasures_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasures')),
    sa.UniqueConstraint('user_id', name=op.f('uq_erasures_user_id'))
    )
    op.create_index(op.f('ix_erasures_available_at'), 'erasures', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_erasures_ended_at'), 'erasures', ['ended_at'], unique=False)
    op.execute(_FUNCTION)
    op.execute(_FUNCTION_OF_USERS)
    for table in _REFUSING:
        op.execute(_trigger(table, "'refuse'"))
    op.execute(_trigger('activities', "'drop'"))
    op.execute(
        "CREATE TRIGGER keep_empty BEFORE UPDATE ON users FOR EACH ROW"
        " WHEN (OLD.erasing_at IS NOT NULL) EXECUTE FUNCTION keep_empty()"
    )
    for event, when in (('deleted', 'DELETE'), ('moved', 'UPDATE OF stored_key')):
        op.execute(
            f"CREATE TRIGGER discard_object_of_{event} AFTER {when} ON data_exports FOR EACH ROW"
            " WHEN (OLD.stored_key IS NOT NULL) EXECUTE FUNCTION discard_object()"
        )


def _trigger(table: str, what: str) -> str:
    return (
        f"CREATE TRIGGER refuse_after_leaving BEFORE INSERT OR UPDATE OF user_id ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION refuse_after_leaving({what})"
    )


def downgrade() -> None:
    """Take the change back."""
    op.execute('DROP TRIGGER keep_empty ON users')
    op.execute('DROP FUNCTION keep_empty()')
    # With the triggers that call it.
    op.execute('DROP FUNCTION refuse_after_leaving() CASCADE')
    op.drop_table('erasures')
    op.drop_table('export_pieces')
    op.drop_table('data_exports')
    op.drop_column('users', 'erased_at')
