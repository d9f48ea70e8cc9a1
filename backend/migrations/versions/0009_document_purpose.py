"""Say what a document is to its study set: notes, an exam, or the key to one.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change. What the release before adds meanwhile is notes."""
    op.add_column('documents', sa.Column('purpose', sa.Text(), server_default='notes', nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('documents', 'purpose')
