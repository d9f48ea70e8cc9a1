"""Add the purpose of a document: notes, an exam, or the key to an exam.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op
revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the change. Documents that the previous release adds meanwhile are notes."""
    op.add_column('documents', sa.Column('purpose', sa.Text(), server_default='notes', nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('documents', 'purpose')
