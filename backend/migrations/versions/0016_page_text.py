"""Say of pages' texts what their parts are, and which notation they are in.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

def upgrade() -> None:
    """Apply the change. Texts that were read before are in notation 1, and so are those that the previous release adds."""
    op.add_column('pages', sa.Column('label', sa.Text(), nullable=True))
    op.add_column(
        'pages',
        sa.Column('spans', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    )
    op.add_column('pages', sa.Column('confidence', sa.SmallInteger(), nullable=True))
    op.add_column('pages', sa.Column('text_version', sa.SmallInteger(), server_default=sa.text('1'), nullable=False))


def downgrade() -> None:
    """Undo the change."""
    op.drop_column('pages', 'text_version')
    op.drop_column('pages', 'confidence')
    op.drop_column('pages', 'spans')
    op.drop_column('pages', 'label')
