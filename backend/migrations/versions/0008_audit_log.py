"""Add the audit log, which cannot be altered, and the run that a run retries.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

# For each statement and not for each row: a statement that would find no row is refused too, and TRUNCATE, which
# has none, is among them.
_FUNCTION = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$
"""
_TRIGGER = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON admin_actions"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
)


def upgrade() -> None:
    """Apply the change."""
    op.create_table('admin_actions',
    sa.Column('actor_kind', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('subject_user_id', sa.Uuid(), nullable=True),
    sa.Column('run_id', sa.Uuid(), nullable=True),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("actor_kind IN ('admin', 'operator')", name=op.f('ck_admin_actions_actor_kind_known')),
    sa.CheckConstraint("(actor_kind = 'admin') = (actor_id IS NOT NULL)", name=op.f('ck_admin_actions_admin_has_id')),
    sa.CheckConstraint("data::text NOT LIKE '%@%'", name=op.f('ck_admin_actions_names_nobody')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_admin_actions'))
    )
    op.create_index('ix_admin_actions_subject_user_id_id', 'admin_actions', ['subject_user_id', 'id'], unique=False)
    op.create_index('ix_admin_actions_actor_id_id', 'admin_actions', ['actor_id', 'id'], unique=False)
    op.execute(_FUNCTION)
    op.execute(_TRIGGER)
    # Also where session_replication_role says that triggers are to be left out.
    op.execute('ALTER TABLE admin_actions ENABLE ALWAYS TRIGGER append_only')
    op.add_column('runs', sa.Column('retry_of', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_runs_retry_of'), 'runs', 'runs', ['retry_of'], ['id'], ondelete='SET NULL')
    op.create_unique_constraint(op.f('uq_runs_retry_of'), 'runs', ['retry_of'])


def downgrade() -> None:
    """Undo the change. Refused while the log tells of anything: it would be gone."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT 1 FROM admin_actions) THEN RAISE EXCEPTION"
        " 'The audit log has entries: copy it away and drop the table by hand first.'; END IF; END $$"
    )
    op.drop_constraint(op.f('uq_runs_retry_of'), 'runs', type_='unique')
    op.drop_constraint(op.f('fk_runs_retry_of'), 'runs', type_='foreignkey')
    op.drop_column('runs', 'retry_of')
    op.drop_table('admin_actions')
    op.execute('DROP FUNCTION refuse_change()')
