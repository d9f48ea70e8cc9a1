"""Know which program a worker is.

Revision: 0019
"""

import sqlalchemy as sa
from alembic import op
revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change. The previous release names no program: it has only the computing one."""
    op.add_column('workers', sa.Column('program', sa.Text(), server_default='computing', nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('workers', 'program')
