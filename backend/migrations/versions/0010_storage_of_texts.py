"""Count the text of documents and of items towards the storage quota.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op
revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

# Texts are not read for this: PostgreSQL knows their length without decompressing them.
_COUNT_ITEMS = """
UPDATE study_sets SET items_bytes = counted.bytes
FROM (
    SELECT item.study_set_id, sum(item.bytes + coalesce(quoted.bytes, 0)) AS bytes
    FROM (
        SELECT id, study_set_id, octet_length(front) + octet_length(back) AS bytes FROM flashcards
        UNION ALL
        SELECT id, study_set_id, octet_length(stem) + octet_length(explanation) + octet_length(options::text)
        FROM questions
    ) AS item
    LEFT JOIN (
        SELECT coalesce(flashcard_id, question_id) AS id, sum(octet_length(quote)) AS bytes FROM evidence GROUP BY 1
    ) AS quoted ON quoted.id = item.id
    GROUP BY item.study_set_id
) AS counted
WHERE counted.study_set_id = study_sets.id
"""


def upgrade() -> None:
    """Apply the change."""
    op.add_column('documents', sa.Column('text_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('study_sets', sa.Column('items_bytes', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.execute(_COUNT_ITEMS)


def downgrade() -> None:
    """Take the change back."""
    op.drop_column('study_sets', 'items_bytes')
    op.drop_column('documents', 'text_bytes')
