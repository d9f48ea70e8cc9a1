"""Count the text of documents and of items towards the storage quota.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op
revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

def upgrade() -> None:
    """Apply the change. A study set is counted when one of its items changes: counting all here would lock the tables."""
    op.add_column('documents', sa.Column('text_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('study_sets', sa.Column('items_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('study_sets', 'items_bytes')
    op.drop_column('documents', 'text_bytes')
