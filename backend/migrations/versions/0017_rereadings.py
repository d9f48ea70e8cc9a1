"""Let documents be read again, and keep the words of quotes that are not in the new text.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

def upgrade() -> None:
    """Apply the change."""
    op.create_table('rereadings',
    sa.Column('document_id', sa.Uuid(), nullable=False),
    sa.Column('quotes_found', sa.Integer(), nullable=True),
    sa.Column('quotes_lost', sa.Integer(), nullable=True),
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
    sa.CheckConstraint("(state = 'failed') = (error_code IS NOT NULL)", name=op.f('ck_rereadings_failed_has_code')),
    sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f('ck_rereadings_lease_while_running')),
    sa.CheckConstraint("state IN ('planned', 'queued', 'running', 'done', 'failed', 'cancelled')", name=op.f('ck_rereadings_state_known')),
    sa.ForeignKeyConstraint(['document_id'], ['documents.id'], name=op.f('fk_rereadings_document_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_rereadings'))
    )
    op.create_index(op.f('ix_rereadings_available_at'), 'rereadings', ['available_at'], unique=False, postgresql_where=sa.text("state IN ('queued', 'running')"))
    op.create_index(op.f('ix_rereadings_ended_at'), 'rereadings', ['ended_at'], unique=False)
    op.create_index(op.f('ix_rereadings_document_id'), 'rereadings', ['document_id'], unique=False)
    op.create_index('uq_rereadings_active', 'rereadings', ['document_id'], unique=True, postgresql_where=sa.text("state IN ('planned', 'queued', 'running')"))
    op.add_column('evidence', sa.Column('lost_quote', sa.Text(), nullable=True))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('evidence', 'lost_quote')
    op.drop_table('rereadings')
