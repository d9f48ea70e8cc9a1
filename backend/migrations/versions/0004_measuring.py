"""Find what is open, and what ended lately, without reading all there ever was.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op
revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change."""
    op.create_index(op.f('ix_documents_ended_at'), 'documents', ['ended_at'], unique=False)
    op.create_index(op.f('ix_runs_ended_at'), 'runs', ['ended_at'], unique=False)
    op.create_index('ix_runs_open', 'runs', ['state'], unique=False, postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index(op.f('ix_steps_ended_at'), 'steps', ['ended_at'], unique=False)


def downgrade() -> None:
    """Undo the change."""
    op.drop_index(op.f('ix_steps_ended_at'), table_name='steps')
    op.drop_index('ix_runs_open', table_name='runs', postgresql_where=sa.text('ended_at IS NULL'))
    op.drop_index(op.f('ix_runs_ended_at'), table_name='runs')
    op.drop_index(op.f('ix_documents_ended_at'), table_name='documents')
